// synth, asciisynth, nonlsynth([count[, size]]), synthrndsize(count, min, max) — made-up events. The same bodies at
// every open, so that two runs can be compared.
#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include "common/base/random.h"
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

constexpr uint64_t kSeed = 1337;

struct SynthOptions {
  uint64_t count = 0;  // 0: without end
  uint64_t min_size = 150;
  uint64_t max_size = 150;  // included
  void (*change)(std::string& body) = nullptr;
  bool one_line = false;  // no body has a newline in it
};

void only_ascii(std::string& body) {
  for (char& c : body) {
    c = static_cast<char>(c & 0x7f);
    if (c < 32 || c == 127) {
      c = ' ';
    }
  }
}

void no_newlines(std::string& body) { std::replace(body.begin(), body.end(), '\n', ' '); }

class SynthSource final : public Source {
 public:
  explicit SynthSource(SynthOptions options) : options_(options) {}

  Status open(Context& context, const Wait&) override {
    context_ = &context;
    BuilderOptions builder;
    builder.origin = new_origin(context);
    builder.delimiter = options_.one_line ? "\n" : "";
    builder.host = context.identity.host;
    builder.limits = context.limits;
    builder_ = std::make_unique<BatchBuilder>(std::move(builder));
    tracker_ = AckTracker::create(0);
    restart();
    return {};
  }

  Result<Next> next(EventBatch& out, const Wait& wait) override {
    if (at_end()) {
      return Next::kEnd;
    }
    if (wait.stop.stop_requested()) {
      return Next::kNothingYet;
    }
    event_.timestamp = context_->clock.wall_millis();
    while (!at_end() && !builder_->full()) {
      make_body(event_.body);
      event_.nanos = context_->clock.monotonic_nanos();
      if (!builder_->add(event_)) {
        random_ = before_;  // made again for the next batch
        break;
      }
      ++made_;
    }
    const EventBatch batch = builder_->seal({});
    out = batch.with_token(tracker_->issue(batch.origin().end_position, batch.rows(), batch.body_bytes()));
    return Next::kBatch;
  }

  Result<bool> rewind() override {
    const uint64_t settled = tracker_->settled();
    restart();
    while (made_ < settled) {
      make_body(event_.body);
      ++made_;
    }
    builder_->seek(settled);
    tracker_->rewound();
    return true;
  }

  Status close(const Wait&) override { return {}; }
  std::vector<std::shared_ptr<AckTracker>> trackers() const override {
    return tracker_ ? std::vector{tracker_} : std::vector<std::shared_ptr<AckTracker>>();
  }

 private:
  bool at_end() const { return options_.count != 0 && made_ >= options_.count; }

  void restart() {
    random_.seed(kSeed);
    made_ = 0;
    event_.host = context_->identity.host;
  }

  void make_body(std::string& body) {
    before_ = random_;
    const uint64_t spread = options_.max_size - options_.min_size + 1;
    body.resize(options_.min_size + (spread > 1 ? random_() % spread : 0));
    for (size_t i = 0; i < body.size(); i += sizeof(uint64_t)) {
      const uint64_t word = random_();
      for (size_t k = 0; k < sizeof word && i + k < body.size(); ++k) {
        body[i + k] = static_cast<char>(word >> (8 * k));
      }
    }
    if (options_.change != nullptr) {
      options_.change(body);
    }
  }

  const SynthOptions options_;
  Context* context_ = nullptr;
  std::unique_ptr<BatchBuilder> builder_;
  std::shared_ptr<AckTracker> tracker_;
  Random random_;
  Random before_;  // the generator before the last body
  uint64_t made_ = 0;
  Event event_;
};

lang::ArgSpec number(const char* name, const char* doc, const char* default_text, int64_t max) {
  lang::ArgSpec arg;
  arg.name = name;
  arg.doc = doc;
  arg.type = lang::ArgType::kInteger;
  arg.default_text = default_text;
  arg.required = arg.default_text.empty();
  arg.min = 0;
  arg.max = max;
  return arg;
}

constexpr int64_t kMaxSize = 1 << 20;

void add(Registry& registry, const char* name, const char* summary, const char* example, SynthOptions options) {
  lang::ComponentSpec spec;
  spec.name = name;
  spec.summary = summary;
  spec.replayable = true;
  spec.args = {number("count", "How many events; 0 = without end.", "0", std::numeric_limits<int64_t>::max()),
               number("size", "Bytes in each body.", "150", kMaxSize)};
  spec.examples = {{example, "Ten events of 100 bytes."}};
  registry.add_source(std::move(spec), [options](const lang::Plan& plan, const Build&) -> std::unique_ptr<Source> {
    SynthOptions own = options;
    own.count = static_cast<uint64_t>(plan.args.integer("count"));
    own.min_size = own.max_size = static_cast<uint64_t>(plan.args.integer("size"));
    return std::make_unique<SynthSource>(own);
  });
}

void add_random_size(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "synthrndsize";
  spec.summary = "Made-up events of random bytes and random size.";
  spec.doc = "Sizes are even over `min` up to, but not including, `max`.";
  spec.replayable = true;
  spec.args = {number("count", "How many events; 0 = without end.", "", std::numeric_limits<int64_t>::max()),
               number("min", "Least bytes in a body.", "", kMaxSize),
               number("max", "The size that bodies stay below.", "", kMaxSize)};
  spec.examples = {{"synthrndsize(10, 100, 200)", "Ten events of 100 to 199 bytes."}};
  registry.add_source(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Source> {
    SynthOptions options;
    options.count = static_cast<uint64_t>(plan.args.integer("count"));
    options.min_size = static_cast<uint64_t>(plan.args.integer("min"));
    // An empty range is taken as its lower end: it cannot be refused here, and is no reason to stop.
    options.max_size = std::max(options.min_size + 1, static_cast<uint64_t>(plan.args.integer("max"))) - 1;
    return std::make_unique<SynthSource>(options);
  });
}

}  // namespace

void register_source_synth(Registry& registry) {
  add(registry, "synth", "Made-up events of random bytes.", "synth(10, 100)", {});
  add(registry, "asciisynth", "Made-up events of printable ASCII characters.", "asciisynth(10, 100)",
      {.change = only_ascii, .one_line = true});
  add(registry, "nonlsynth", "Made-up events of random bytes without newlines.", "nonlsynth(10, 100)",
      {.change = no_newlines, .one_line = true});
  add_random_size(registry);
}

}  // namespace flume::node
