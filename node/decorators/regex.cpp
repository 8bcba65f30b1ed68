// regex(re, group, attr), regexAll(re, name...), split(re, index, attr) — attributes from the body.
#include "common/text/regex.h"

#include "node/runtime/registry.h"
#include "node/runtime/row_map.h"

namespace flume::node {
namespace {

using Values = std::vector<std::optional<std::string_view>>;

class RegexDecorator final : public RowMap {
 public:
  RegexDecorator(std::unique_ptr<Sink> sub, Regex regex, size_t group, std::string attribute)
      : RowMap(std::move(sub)), regex_(std::move(regex)), group_(group), attribute_(std::move(attribute)) {}

 protected:
  // No match, no such group, or a group that took no part: an empty value.
  EventBatch map(const EventBatch& batch) override {
    Values values(batch.rows(), std::string_view());
    std::vector<std::string_view> groups(std::min(group_, regex_.group_count()) + 1);
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      if (group_ < groups.size() && regex_.find(batch.body(row), 0, groups) && groups[group_].data() != nullptr) {
        values[row] = groups[group_];
      }
    }
    return batch.with_attribute(attribute_, values);
  }

 private:
  const Regex regex_;
  const size_t group_;
  const std::string attribute_;
};

class RegexAllDecorator final : public RowMap {
 public:
  RegexAllDecorator(std::unique_ptr<Sink> sub, Regex regex, std::vector<std::string> names)
      : RowMap(std::move(sub)), regex_(std::move(regex)), names_(std::move(names)) {}

 protected:
  // Group i+1 goes to name i; an empty name skips its group. No match or no part in it: the attribute stays as it is.
  EventBatch map(const EventBatch& batch) override {
    const size_t used = std::min(names_.size(), regex_.group_count());
    std::vector<Values> columns(used);
    for (size_t i = 0; i < used; ++i) {
      columns[i].resize(batch.rows());
      for (uint32_t row = 0; row < batch.rows() && !names_[i].empty(); ++row) {
        columns[i][row] = batch.attribute(row, names_[i]);
      }
    }
    std::vector<std::string_view> groups(used + 1);
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      if (!regex_.find(batch.body(row), 0, groups)) {
        continue;
      }
      for (size_t i = 0; i < used; ++i) {
        if (groups[i + 1].data() != nullptr) {
          columns[i][row] = groups[i + 1];
        }
      }
    }
    EventBatch result = batch;
    for (size_t i = 0; i < used; ++i) {
      if (!names_[i].empty()) {
        result = result.with_attribute(names_[i], columns[i]);
      }
    }
    return result;
  }

 private:
  const Regex regex_;
  const std::vector<std::string> names_;
};

class SplitDecorator final : public RowMap {
 public:
  SplitDecorator(std::unique_ptr<Sink> sub, Regex regex, size_t index, std::string attribute)
      : RowMap(std::move(sub)), regex_(std::move(regex)), index_(index), attribute_(std::move(attribute)) {}

 protected:
  EventBatch map(const EventBatch& batch) override {
    Values values(batch.rows(), std::string_view());
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      regex_.split(batch.body(row), pieces_);
      if (index_ < pieces_.size()) {
        values[row] = pieces_[index_];
      }
    }
    return batch.with_attribute(attribute_, values);
  }

 private:
  const Regex regex_;
  const size_t index_;
  const std::string attribute_;
  std::vector<std::string_view> pieces_;  // kept to save the allocation
};

lang::ArgSpec regex_argument() {
  lang::ArgSpec regex{.name = "regex", .doc = "Regular expression, searched for in the body."};
  regex.type = lang::ArgType::kRegex;
  regex.required = true;
  return regex;
}

lang::ArgSpec index_argument(std::string name, std::string doc, int64_t max) {
  lang::ArgSpec index{.name = std::move(name), .doc = std::move(doc)};
  index.type = lang::ArgType::kInteger;
  index.min = 0;
  index.max = max;
  index.required = true;
  return index;
}

lang::ArgSpec attribute_argument(std::string doc) {
  lang::ArgSpec attribute{.name = "attr", .doc = std::move(doc)};
  attribute.required = true;
  return attribute;
}

lang::ComponentSpec describe(std::string name, std::string summary, std::string doc) {
  lang::ComponentSpec spec;
  spec.kind = lang::ComponentSpec::Kind::kDecorator;
  spec.name = std::move(name);
  spec.summary = std::move(summary);
  spec.doc = std::move(doc);
  return spec;
}

Regex compiled(const lang::Plan& plan) { return Regex::compile(plan.args.text("regex")).value(); }

}  // namespace

void register_decorator_regex(Registry& registry) {
  lang::ComponentSpec regex = describe("regex", "Sets an attribute to a group of a regular expression.",
                                       "The attribute is empty when nothing matches or the group took no part.");
  regex.args = {regex_argument(),
                index_argument("group", "Number of the group; 0 is the whole match.", Regex::kMaxGroups - 1),
                attribute_argument("Attribute that gets the group's text.")};
  regex.examples = {{R"x(regex("status=([0-9]+)", 1, "status") console)x", "status=404 sets status to 404."}};
  registry.add_decorator(std::move(regex), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<RegexDecorator>(build.sink(plan.children[0]), compiled(plan),
                                            static_cast<size_t>(plan.args.integer("group")), plan.args.text("attr"));
  });

  lang::ComponentSpec all =
      describe("regexAll", "Sets one attribute for each group of a regular expression.",
               "Names are taken in order from group 1 on; an empty name skips its group. Without a "
               "match nothing is set.");
  lang::ArgSpec names = attribute_argument("Attribute for the next group.");
  names.repeated = true;
  all.args = {regex_argument(), names};
  all.examples = {{R"x(regexAll("([a-z]+)=([0-9]+)", "key", "value") console)x", "a=1 sets key and value."}};
  registry.add_decorator(std::move(all), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<RegexAllDecorator>(build.sink(plan.children[0]), compiled(plan), plan.args.texts("attr"));
  });

  lang::ComponentSpec split =
      describe("split", "Sets an attribute to a piece of the body.",
               "The body is cut at every match; empty pieces at the end do not count. The attribute "
               "is empty when there is no such piece.");
  split.args = {regex_argument(), index_argument("index", "Number of the piece, from 0.", 1'000'000),
                attribute_argument("Attribute that gets the piece.")};
  split.examples = {{R"(split(":", 1, "user") console)", "The second field of a line cut at colons."}};
  registry.add_decorator(std::move(split), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<SplitDecorator>(build.sink(plan.children[0]), compiled(plan),
                                            static_cast<size_t>(plan.args.integer("index")), plan.args.text("attr"));
  });
}

}  // namespace flume::node
