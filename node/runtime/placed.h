// Placed: what Build puts around every component it makes. It gives the component a Context of its own place in the
// plan, which lives as long as the component, and turns an exception that a component or one of its libraries let
// through into a Status: nothing a component does can end the process. A sink that reads bodies gets compressed batches
// uncompressed. One virtual call a batch.
// Thread: driver.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "node/runtime/component.h"

namespace flume::node {

std::unique_ptr<Source> placed(std::unique_ptr<Source> source, std::string path);
std::unique_ptr<Sink> placed(std::unique_ptr<Sink> sink, std::string path);

}  // namespace flume::node
