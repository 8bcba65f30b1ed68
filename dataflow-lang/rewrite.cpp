#include "dataflow-lang/rewrite.h"

namespace flume::lang {

void for_each_call(const SinkTree& tree, const std::function<void(SinkTree::Kind, const Call&)>& visit) {
  if (tree.kind != SinkTree::Kind::kFanOut && tree.kind != SinkTree::Kind::kFailover) {
    visit(tree.kind, tree.call);
  }
  for (const SinkTree& child : tree.children) {
    for_each_call(child, visit);
  }
}

SinkTree replace_sinks(const SinkTree& tree, const std::function<std::optional<SinkTree>(const Call&)>& replace) {
  if (tree.kind == SinkTree::Kind::kPlain) {
    return replace(tree.call).value_or(tree);
  }
  SinkTree copy{tree.kind, tree.call, {}, tree.span};
  copy.children.reserve(tree.children.size());
  for (const SinkTree& child : tree.children) {
    copy.children.push_back(replace_sinks(child, replace));
  }
  return copy;
}

}  // namespace flume::lang
