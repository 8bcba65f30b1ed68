// The pass for logicalSource and logicalSink; see translate.h.
#pragma once

#include "master/translate/translate.h"

namespace flume::master {

inline constexpr std::string_view kLogicalSource = "logicalSource";
inline constexpr std::string_view kLogicalSink = "logicalSink";

void translate_logical_names(const View& view, NodeTree& node);

}  // namespace flume::master
