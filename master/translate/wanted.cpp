#include "master/translate/wanted.h"

#include <algorithm>

namespace flume::master {

std::shared_ptr<const Wanted> Wanted::make(std::shared_ptr<const View> view, const Wanted* before) {
  auto wanted = std::make_shared<Wanted>();
  for (const auto& [name, config] : view->configs) {
    std::shared_ptr<const WantedNode> node;
    if (before != nullptr) {
      const auto old = before->nodes_.find(name);
      if (old != before->nodes_.end() && old->second->modified == config.modified && !old->second->depends_on_others) {
        node = old->second;
      }
    }
    if (!node) {
      auto fresh = std::make_shared<WantedNode>();
      fresh->text = translate(*view, name);
      fresh->flow = config.value.flow;
      fresh->modified = config.modified;
      // A word of the language, so its mere absence from the text settles it.
      fresh->depends_on_others = config.value.source.find("logical") != std::string::npos ||
                                 config.value.sink.find("logical") != std::string::npos;
      node = std::move(fresh);
    }
    wanted->nodes_.emplace(name, std::move(node));
    const auto place = view->places.find(name);
    wanted->mapped_[place == view->places.end() ? name : place->second.value].push_back(name);
  }
  for (auto& [physical, names] : wanted->mapped_) {
    std::sort(names.begin(), names.end());
  }
  wanted->view_ = std::move(view);
  return wanted;
}

const WantedNode* Wanted::find(std::string_view logical) const {
  const auto found = nodes_.find(logical);
  return found == nodes_.end() ? nullptr : found->second.get();
}

std::vector<std::string> Wanted::carried_by(std::string_view physical) const {
  const auto found = mapped_.find(physical);
  return found == mapped_.end() ? std::vector<std::string>() : found->second;
}

}  // namespace flume::master
