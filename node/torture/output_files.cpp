// Which files of a folder are output, and in which order they were written.
#include <algorithm>
#include <filesystem>
#include <system_error>

#include "node/torture/oracle.h"

namespace flume::torture {
namespace {

constexpr std::string_view kWorking = ".tmp";
constexpr std::string_view kAside = ".aside";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The digits at the start of `rest`, without leading zeros; taken off.
std::string_view take_digits(std::string_view& rest) {
  size_t n = 0;
  while (n < rest.size() && is_digit(rest[n])) {
    ++n;
  }
  std::string_view digits = rest.substr(0, n);
  rest.remove_prefix(n);
  while (digits.size() > 1 && digits[0] == '0') {
    digits.remove_prefix(1);
  }
  return digits;
}

std::string_view final_name(std::string_view name) {
  return name.ends_with(kWorking) ? name.substr(0, name.size() - kWorking.size()) : name;
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    if (is_digit(a[0]) && is_digit(b[0])) {
      const std::string_view x = take_digits(a);
      const std::string_view y = take_digits(b);
      if (x.size() != y.size()) {
        return x.size() < y.size();
      }
      if (x != y) {
        return x < y;
      }
      continue;
    }
    if (a[0] != b[0]) {
      return static_cast<unsigned char>(a[0]) < static_cast<unsigned char>(b[0]);
    }
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return a.size() < b.size();
}

std::vector<std::string> output_files(const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;
    const std::string name = it->path().filename().string();
    if (it->is_regular_file(gone) && !gone && !name.starts_with(".") && !name.ends_with(kAside)) {
      files.push_back(it->path().string());
    }
  }
  std::sort(files.begin(), files.end(),
            [](const std::string& a, const std::string& b) { return natural_less(final_name(a), final_name(b)); });
  return files;
}

}  // namespace flume::torture
