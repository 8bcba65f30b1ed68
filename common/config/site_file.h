// Reads a Hadoop-style settings file: <configuration><property><name/><value/></property>...</configuration>. pugixml
// does the parsing and is seen in site_file.cpp only. Called once at start.
#pragma once

#include <string>
#include <vector>

#include "common/base/status.h"

namespace flume {

struct SiteProperty {
  std::string name;
  std::string value;
  int line = 0;  // of <property>
};

// kInvalid "flume-site.xml:7: <what is wrong>", with `name` for the file.
Result<std::vector<SiteProperty>> parse_site_xml(std::string_view text, const std::string& name);
// kNotFound if there is no such file; kNoSpace if it is larger than 1 MiB.
Result<std::vector<SiteProperty>> read_site_file(const std::string& path);

}  // namespace flume
