// Settings files and values: any text is read or refused with a message that names the file.
#include "common/config/settings.h"
#include "common/config/site_file.h"
#include "tests/support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flume;  // NOLINT: the whole file is this function
  const std::string_view text = support::fuzz_text(data, size);
  const Result<std::vector<SiteProperty>> properties = parse_site_xml(text, "flume-site.xml");
  if (!properties.ok()) {
    support::require(properties.status().message().find("flume-site.xml") != std::string::npos,
                     "a refusal names the file");
  } else {
    for (const SiteProperty& property : *properties) {
      Settings settings = Settings::defaults();
      (void)settings.set(property.name, property.value, "fuzz");
    }
  }
  for (const SettingSpec& spec : setting_specs()) {
    Settings settings = Settings::defaults();
    (void)settings.set(spec.name, text, "fuzz");
  }
  return 0;
}
