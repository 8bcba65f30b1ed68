// Wanted: what every logical node should run as of one View, translated, and who carries it. Made after each change;
// texts that cannot have changed are shared with the Wanted before. Immutable once made.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "master/translate/translate.h"

namespace flume::master {

struct WantedNode {
  TranslatedNode text;
  std::string flow;
  Revision modified = 0;  // of the configuration
  bool depends_on_others = false;
};

class Wanted {
 public:
  // `before` may be null.
  static std::shared_ptr<const Wanted> make(std::shared_ptr<const View> view, const Wanted* before);

  const View& view() const { return *view_; }
  const std::shared_ptr<const View>& shared_view() const { return view_; }
  const WantedNode* find(std::string_view logical) const;  // null: no configuration
  // The configured logical nodes of a physical one, sorted.
  std::vector<std::string> carried_by(std::string_view physical) const;

 private:
  std::shared_ptr<const View> view_;
  std::map<std::string, std::shared_ptr<const WantedNode>, std::less<>> nodes_;
  std::map<std::string, std::vector<std::string>, std::less<>> mapped_;  // physical -> configured logical nodes
};

}  // namespace flume::master
