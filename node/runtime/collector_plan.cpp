#include "node/runtime/collector_plan.h"

#include <memory>
#include <utility>

namespace flume::node {

namespace {

using lang::Plan;

constexpr char kGunzip[] = ".gunzip";
constexpr char kUnbatch[] = ".unbatch";
constexpr char kChecker[] = ".ackChecker";
constexpr char kRoll[] = ".roll";

std::shared_ptr<Plan> around(lang::PlanPtr child, Plan::Kind kind, const char* name, std::string path) {
  auto plan = std::make_shared<Plan>();
  plan->kind = kind;
  plan->name = name;
  plan->path = std::move(path);
  plan->children = {std::move(child)};
  return plan;
}

}  // namespace

std::string collector_body_path(const std::string& path) { return path + ".0"; }

lang::PlanPtr collector_plan(const std::string& path, Duration period, lang::PlanPtr body) {
  auto roll = around(std::move(body), Plan::Kind::kRoll, "roll", path + kRoll);
  roll->args.set("rollmillis", {static_cast<int64_t>(period.count())}, true);
  auto time = std::make_shared<lang::FunctionValue>();
  time->name = "time";
  roll->args.set("trigger", {std::shared_ptr<const lang::FunctionValue>(std::move(time))}, false);
  auto checker = around(std::move(roll), Plan::Kind::kDecorator, "ackChecker", path + kChecker);
  auto unbatch = around(std::move(checker), Plan::Kind::kDecorator, "unbatch", path + kUnbatch);
  return around(std::move(unbatch), Plan::Kind::kDecorator, "gunzip", path + kGunzip);
}

}  // namespace flume::node
