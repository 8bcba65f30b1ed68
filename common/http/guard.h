// Guard: which requests are refused before a handler sees them, so that neither a page of another site nor a name that
// somebody points at this address can steer the system. Pure functions. Rules and answers: docs/api.md.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/http/http.h"

namespace flume::http {

// Whether `host` (a Host header: name or address, with or without port) may be asked for. IP addresses and localhost
// always may; other names only when listed (case does not count).
bool host_allowed(std::string_view host, std::span<const std::string> allowed_names);

// The refusal, or nothing when the request may go on. Needs method, path and headers only, not the body.
std::optional<Response> refuse_foreign(const Request& request, std::span<const std::string> allowed_names);

}  // namespace flume::http
