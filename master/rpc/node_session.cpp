#include "master/rpc/node_session.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "common/base/text.h"
#include "master/config/schema.h"
#include "master/rpc/desired.h"
#include "rpc/NodeControl.h"

namespace flume::master {

namespace {

constexpr size_t kMaxError = 64U << 10;

std::string said(const rpc::control::SetLogical& config) { return str_cat(config.revision, " ", config.text_hash); }
std::string said(const rpc::control::RemoveLogical& remove) { return str_cat(remove.revision, " removed"); }

Status check_report(rpc::control::NodeReport& report) {
  FLUME_RETURN_IF_ERROR(check_node_name(report.name).with_context("a report"));
  for (rpc::control::LogicalState& state : report.changed) {
    FLUME_RETURN_IF_ERROR(check_node_name(state.name).with_context("a report"));
    state.error.resize(std::min(state.error.size(), kMaxError));
  }
  for (const std::string& name : report.removed) {
    FLUME_RETURN_IF_ERROR(check_node_name(name).with_context("a report"));
  }
  return {};
}

}  // namespace

Status NodeSession::on_message(std::string_view message) {
  try {
    const auto in = rpc::reader_of(message, kMaxElements);
    const CallHead head = read_head(*in);
    if (head.method == "poll" && head.is_call) {
      return on_poll(head, *in);
    }
    if (head.method == "getConfig" && head.is_call) {
      on_get_config(head, *in);
      return {};
    }
    if (const std::string answer = answer_of(parts_.classic_processor, message); !answer.empty()) {
      peer_.send(answer);
    }
    return {};
  } catch (const std::exception& error) {  // generated code
    return invalid(error.what());
  }
}

// The generated processor cannot leave the result out, which is how a classic master says "there is none".
void NodeSession::on_get_config(const CallHead& head, rpc::Binary& in) {
  rpc::classic::ThriftFlumeClientServer_getConfig_args call;
  call.read(&in);
  rpc::classic::ThriftFlumeClientServer_getConfig_result result;
  result.__isset.success = parts_.classic.find_config(result.success, call.sourceId);
  peer_.send(reply_message(head, result));
}

Status NodeSession::on_poll(const CallHead& head, rpc::Binary& in) {
  rpc::control::NodeControl_poll_args call;
  call.read(&in);
  FLUME_RETURN_IF_ERROR(check_report(call.report));
  if (has_parked_) {
    rpc::control::Desired nothing;
    nothing.__set_store_id(parts_.store_id);
    reply(std::move(nothing));
  }
  physical_ = call.report.name;
  parked_ = head;
  has_parked_ = true;
  if (!parts_.nodes.report(report_from(call.report))) {
    reply(desired_for(*parts_.wanted.get(), nullptr, physical_, parts_.store_id).desired);
    return {};
  }
  answer(false);
  if (has_parked_) {
    const Duration wait = std::chrono::milliseconds(std::max(0, call.wait_ms));
    peer_.wake_after(std::min(wait, parts_.longest_wait));
  }
  return {};
}

bool NodeSession::is_told(const rpc::control::Desired& desired) const {
  const auto was_said = [this](const auto& item) {
    const auto found = told_.find(item.name);
    return found != told_.end() && found->second == said(item);
  };
  return std::all_of(desired.configs.begin(), desired.configs.end(), was_said) &&
         std::all_of(desired.remove.begin(), desired.remove.end(), was_said);
}

void NodeSession::answer(bool anyhow) {
  const auto wanted = parts_.wanted.get();
  DesiredFor news = parts_.nodes.with(
      physical_, [&](const PhysicalStatus* node) { return desired_for(*wanted, node, physical_, parts_.store_id); });
  if (!news.is_behind) {
    told_.clear();
  }
  const bool is_news = news.is_behind && (news.desired.send_full_report || !is_told(news.desired));
  if (!is_news && !anyhow) {
    return;
  }
  for (const auto& config : news.desired.configs) {
    told_[config.name] = said(config);
  }
  for (const auto& remove : news.desired.remove) {
    told_[remove.name] = said(remove);
  }
  reply(std::move(news.desired));
}

void NodeSession::reply(rpc::control::Desired desired) {
  has_parked_ = false;
  peer_.call_off();
  rpc::control::NodeControl_poll_result result;
  result.success = std::move(desired);
  result.__isset.success = true;
  peer_.send(reply_message(parked_, result));
}

void NodeSession::on_time() {
  if (has_parked_) {
    answer(true);
  }
}

void NodeSession::on_news() {
  if (has_parked_) {
    answer(false);
  }
}

}  // namespace flume::master
