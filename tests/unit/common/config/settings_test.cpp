#include "common/config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/base/text.h"
#include "common/base/units.h"
#include "common/config/site_file.h"

namespace flume {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SettingsFiles : public ::testing::Test {
 protected:
  SettingsFiles() {
    std::string pattern = (std::filesystem::temp_directory_path() / "flume-settings-XXXXXX").string();
    dir_ = mkdtemp(pattern.data());
  }
  ~SettingsFiles() override { std::filesystem::remove_all(dir_); }

  void write(const std::string& name, const std::string& text) { std::ofstream(dir_ + "/" + name) << text; }
  void write_site(const std::string& properties) {
    write("flume-site.xml", "<?xml version=\"1.0\"?>\n<configuration>\n" + properties + "</configuration>\n");
  }
  Result<Settings> load(std::vector<std::pair<std::string, std::string>> overrides = {}) {
    warnings_.clear();
    return Settings::load(dir_, overrides, warnings_);
  }
  std::string error(std::vector<std::pair<std::string, std::string>> overrides = {}) {
    return std::string(load(std::move(overrides)).status().message());
  }

  std::string dir_;
  std::vector<std::string> warnings_;
};

std::string property(const std::string& name, const std::string& value) {
  return "<property><name>" + name + "</name><value>" + value + "</value></property>\n";
}

TEST(Settings, TableIsSortedDocumentedAndLegal) {
  std::string_view last;
  for (const SettingSpec& spec : setting_specs()) {
    EXPECT_LT(last, spec.name);
    last = spec.name;
    EXPECT_TRUE(spec.doc.ends_with(".")) << spec.name;
  }
  const Settings settings = Settings::defaults();  // aborts on a default that its own type refuses
  EXPECT_EQ(settings.integer("flume.event.max.size.bytes"), 1 << 20);
  EXPECT_EQ(settings.integer("flume.collector.event.port"), 35853);
  EXPECT_EQ(settings.millis("flume.collector.roll.millis"), 30s);
  EXPECT_FALSE(settings.boolean("flume.node.pushed.exec"));
  EXPECT_EQ(settings.text("flume.master.store"), "dir");
  EXPECT_EQ(settings.text("flume.agent.logdir"), default_state_dir() + "/agent");
  EXPECT_EQ(settings.where("flume.master.store"), "default");
}

TEST(Settings, ClassicNamesWithoutEffectAreNotOurs) {
  for (const std::string_view name : classic_only_settings()) {
    for (const SettingSpec& spec : setting_specs()) {
      EXPECT_NE(spec.name, name);
    }
  }
}

TEST(Settings, AskingForAnUndeclaredNameOrTypeIsABug) {
  const Settings settings = Settings::defaults();
  EXPECT_DEATH((void)settings.text("flume.nothing"), "no setting is called flume.nothing");
  EXPECT_DEATH((void)settings.integer("flume.master.store"), "flume.master.store");
}

TEST_F(SettingsFiles, SiteOverridesConfAndTheCommandLineOverridesBoth) {
  write("flume-conf.xml", "<configuration>" + property("flume.tail.pollperiod", "5") +
                              property("flume.flow.default.name", "conf") + property("flume.net.threads", "3") +
                              "</configuration>");
  write_site(property("flume.tail.pollperiod", " 2s ") + property("flume.flow.default.name", "site"));
  const auto settings = load({{"flume.flow.default.name", "mine"}});
  ASSERT_TRUE(settings.ok()) << settings.status().to_string();
  EXPECT_EQ(settings->integer("flume.net.threads"), 3);
  EXPECT_EQ(settings->where("flume.net.threads"), "flume-conf.xml:3");
  EXPECT_EQ(settings->millis("flume.tail.pollperiod"), 2s);
  EXPECT_EQ(settings->where("flume.tail.pollperiod"), "flume-site.xml:3");
  EXPECT_EQ(settings->text("flume.flow.default.name"), "mine");
  EXPECT_EQ(settings->where("flume.flow.default.name"), "-D");
  EXPECT_TRUE(settings->is_set("flume.net.threads"));
  EXPECT_FALSE(settings->is_set("flume.log.level"));
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(SettingsFiles, MissingFilesAreNoErrorButAMissingFolderIs) {
  EXPECT_TRUE(load().ok());
  const auto settings = Settings::load(dir_ + "/none", {}, warnings_);
  EXPECT_EQ(settings.status().message(), str_cat("read settings: \"", dir_, "/none\" is not a folder"));
}

TEST_F(SettingsFiles, AnUnknownNameIsAWarningWithTheNearestOne) {
  write_site(property("flume.tail.pollperod", "1") + property("flume.hive.port", "1") + property("my.own", "1"));
  ASSERT_TRUE(load().ok());
  const std::string file = dir_ + "/flume-site.xml";
  EXPECT_THAT(warnings_,
              ElementsAre(file + ":3: no setting is called flume.tail.pollperod; did you mean flume.tail.pollperiod?",
                          file + ":4: flume.hive.port has no effect in this version",
                          file + ":5: no setting is called my.own"));
}

TEST_F(SettingsFiles, EveryBadValueIsNamedWithItsPlace) {
  write_site(property("flume.net.threads", "two") + property("flume.node.status.port", "70000") +
             property("flume.log.level", "loud") + property("flume.node.pushed.exec", "yes") +
             property("flume.tail.pollperiod", "-5") + property("flume.http.body.max.bytes", "1") +
             property("flume.agent.logdir", "${user.nam}/x"));
  const std::string file = dir_ + "/flume-site.xml";
  EXPECT_EQ(error({{"flume.flow", "x"}, {"flume.config.heartbeat.period", "1d5"}}),
            file + ":3: flume.net.threads: \"two\" is not an integer\n" + file +
                ":4: flume.node.status.port: \"70000\" is out of range: from 0 to 65535\n" + file +
                ":5: flume.log.level: \"loud\" is not one of debug,info,warn,error,off\n" + file +
                ":6: flume.node.pushed.exec: \"yes\" is neither true nor false\n" + file +
                ":7: flume.tail.pollperiod: \"-5\" is not a duration such as 250ms, 30s or 5m\n" + file +
                ":8: flume.http.body.max.bytes: \"1\" is out of range: from 1024 to 1073741824\n" + file +
                ":9: flume.agent.logdir: ${user.nam} is not known: there are ${state}, ${user.home} and ${user.name}\n"
                "-D: no setting is called flume.flow\n"
                "-D: flume.config.heartbeat.period: \"1d5\" is not a duration such as 250ms, 30s or 5m");
}

TEST_F(SettingsFiles, BrokenXmlIsAnErrorWithItsLine) {
  const std::string file = dir_ + "/flume-site.xml";
  write("flume-site.xml", "<configuration>\n<property>\n<name>a</name>\n</configuration>\n");
  EXPECT_EQ(error(), file + ":4: not well-formed XML: Start-end tags mismatch");
  write("flume-site.xml", "");
  EXPECT_EQ(error(), file + ":1: not well-formed XML: No document element found");
}

TEST(SiteFile, RefusesWhatIsNotASettingsFile) {
  const auto error = [](std::string_view text) { return std::string(parse_site_xml(text, "f").status().message()); };
  EXPECT_EQ(error("\n<beans/>"), "f:2: expected <configuration>, not <beans>");
  EXPECT_EQ(error("<configuration>\n<name/></configuration>"), "f:2: expected <property>, not <name>");
  EXPECT_EQ(error("<configuration>x</configuration>"), "f:1: text outside of a <property>");
  EXPECT_EQ(error("<configuration>\n\n<property><name>a</name></property></configuration>"),
            "f:3: a <property> needs a <name> and a <value>");
  EXPECT_EQ(error("<configuration><property>\n<nam>a</nam></property></configuration>"),
            "f:2: expected <name> or <value> in a <property>, not <nam>");
}

TEST(SiteFile, TakesWhatHadoopFilesContain) {
  const auto properties = parse_site_xml(
      "<?xml version=\"1.0\"?><?xml-stylesheet href=\"x.xsl\"?><!-- c --><configuration>\n"
      "<!-- c --><property><name>a</name><value><![CDATA[<b>]]></value><description>d</description></property>\n"
      "<property><name>c</name><value/><final>true</final></property></configuration>",
      "f");
  ASSERT_TRUE(properties.ok()) << properties.status().to_string();
  ASSERT_EQ(properties->size(), 2U);
  EXPECT_EQ((*properties)[0].value, "<b>");
  EXPECT_EQ((*properties)[0].line, 2);
  EXPECT_EQ((*properties)[1].value, "");
}

}  // namespace
}  // namespace flume
