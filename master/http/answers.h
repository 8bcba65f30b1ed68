// Pieces of JSON that several answers of the API share, and the sums over a flow. Pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/http.h"
#include "common/json/json.h"
#include "master/nodes/picture.h"

namespace flume::master {

void write_names(JsonWriter& json, std::string_view name, const std::vector<std::string>& names);
void write_rates(JsonWriter& json, const Rates& rates);  // member "rates"

struct FlowSum {
  Rates rates;
  FlowLedger ledger;
  std::vector<const LogicalPicture*> nodes;  // of the picture that was summed
};
// Flows of all logical nodes that have reported, by name. A node without a configuration is in no flow.
std::map<std::string, FlowSum> sum_flows(const Picture& picture);

// 400 and above with diagnostics: docs/api.md, "Errors".
http::Response spec_error(std::string_view message, const std::string& diagnostics_json);
// 503 with the time after which to try again.
http::Response unavailable_response(std::string_view code, std::string_view message);

}  // namespace flume::master
