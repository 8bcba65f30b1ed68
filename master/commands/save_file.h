// The file of `save` and `load`: one "node : source | sink;" per line in the dataflow language, as the classic system
// wrote it. Before the nodes of a flow that is not the default one stands a comment line "// flow: NAME", which the
// classic system skips. Pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "master/config/view.h"

namespace flume::master {

std::string write_save_file(const View& view, std::string_view default_flow);
// The flow of each node, by the number of the line (from 1) on which its definition begins.
std::map<uint32_t, std::string> flows_by_line(std::string_view text, std::string_view default_flow);

}  // namespace flume::master
