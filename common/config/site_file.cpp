#include "common/config/site_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <pugixml.hpp>

#include "common/base/fd.h"
#include "common/base/text.h"
#include "common/base/units.h"

namespace flume {

namespace {

constexpr size_t kMaxFileBytes = 1_MiB;

int line_at(std::string_view text, ptrdiff_t offset) {
  const auto end = static_cast<size_t>(std::clamp<ptrdiff_t>(offset, 0, static_cast<ptrdiff_t>(text.size())));
  return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(end), '\n'));
}

std::string children_text(const pugi::xml_node& node) { return std::string(trim(node.text().get())); }

}  // namespace

Result<std::vector<SiteProperty>> parse_site_xml(std::string_view text, const std::string& name) {
  const auto error = [&](ptrdiff_t offset, std::string_view what) {
    return invalid(str_cat(name, ":", line_at(text, offset), ": ", what));
  };
  pugi::xml_document document;
  const pugi::xml_parse_result parsed =
      document.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!parsed) {
    return error(parsed.offset, str_cat("not well-formed XML: ", parsed.description()));
  }
  const pugi::xml_node root = document.document_element();
  if (std::string_view(root.name()) != "configuration") {
    return error(root.offset_debug(), str_cat("expected <configuration>, not <", root.name(), ">"));
  }
  std::vector<SiteProperty> properties;
  for (const pugi::xml_node& node : root.children()) {
    if (std::string_view(node.name()) != "property") {
      return error(node.offset_debug(), node.type() == pugi::node_element
                                            ? str_cat("expected <property>, not <", node.name(), ">")
                                            : str_cat("text outside of a <property>"));
    }
    for (const pugi::xml_node& part : node.children()) {
      const std::string_view part_name = part.name();
      if (part_name != "name" && part_name != "value" && part_name != "description" && part_name != "final") {
        return error(part.offset_debug(),
                     str_cat("expected <name> or <value> in a <property>, not ",
                             part.type() == pugi::node_element ? str_cat("<", part_name, ">") : std::string("text")));
      }
    }
    if (!node.child("name") || !node.child("value")) {
      return error(node.offset_debug(), "a <property> needs a <name> and a <value>");
    }
    properties.push_back(
        {children_text(node.child("name")), children_text(node.child("value")), line_at(text, node.offset_debug())});
  }
  return properties;
}

Result<std::vector<SiteProperty>> read_site_file(const std::string& path) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) {
    return Status::from_errno(errno, str_cat("read settings from ", quoted(path)));
  }
  std::string text;
  for (;;) {
    const size_t size = text.size();
    text.resize(size + (64 << 10));
    const ssize_t n = read(file.fd(), text.data() + size, text.size() - size);
    if (n < 0 && errno != EINTR) {
      return Status::from_errno(errno, str_cat("read settings from ", quoted(path)));
    }
    text.resize(size + static_cast<size_t>(std::max<ssize_t>(n, 0)));
    if (n == 0) {
      break;
    }
    if (text.size() > kMaxFileBytes) {
      return Status(Code::kNoSpace, str_cat("read settings from ", quoted(path), ": larger than 1MiB"));
    }
  }
  return parse_site_xml(text, path);
}

}  // namespace flume
