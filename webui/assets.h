// The files of the web pages, embedded in the program: to be given to http::HttpServer::serve(). Both sets hold the
// shared files; they differ in what "/" is. Thread-safe; the bytes live as long as the program.
#pragma once

#include <vector>

#include "common/http/asset.h"

namespace flume::webui {

std::vector<http::Asset> master_page();
std::vector<http::Asset> node_page();

}  // namespace flume::webui
