#include "node/torture/expectation.h"

#include "common/io/crc32c.h"
#include "common/json/json.h"

namespace flume::torture {
namespace {

constexpr int64_t kVersion = 1;

Result<uint64_t> unsigned_member(const JsonValue& value, std::string_view key, uint64_t most) {
  FLUME_ASSIGN_OR_RETURN(const int64_t number, value.integer(key));
  if (number < 0 || static_cast<uint64_t>(number) > most) {
    return invalid("\"" + std::string(key) + "\" is out of range");
  }
  return static_cast<uint64_t>(number);
}

Result<SourceExpectation> source_of(const JsonValue& value) {
  SourceExpectation source;
  FLUME_ASSIGN_OR_RETURN(const uint64_t id, unsigned_member(value, "id", UINT32_MAX));
  source.id = static_cast<uint32_t>(id);
  FLUME_ASSIGN_OR_RETURN(source.path, value.text("path"));
  FLUME_ASSIGN_OR_RETURN(source.lines, unsigned_member(value, "lines", INT64_MAX));
  return source;
}

Result<ExtraExpectation> extra_of(const JsonValue& value) {
  ExtraExpectation extra;
  FLUME_ASSIGN_OR_RETURN(extra.name, value.text("name"));
  FLUME_ASSIGN_OR_RETURN(extra.length, unsigned_member(value, "length", INT64_MAX));
  FLUME_ASSIGN_OR_RETURN(const uint64_t crc, unsigned_member(value, "crc", UINT32_MAX));
  extra.crc = static_cast<uint32_t>(crc);
  FLUME_ASSIGN_OR_RETURN(extra.count, unsigned_member(value, "count", INT64_MAX));
  return extra;
}

Result<Expectation> read(std::string_view text) {
  FLUME_ASSIGN_OR_RETURN(const JsonValue value, JsonValue::parse(text));
  FLUME_ASSIGN_OR_RETURN(const int64_t version, value.integer("v"));
  if (version != kVersion) {
    return invalid("version " + std::to_string(version) + " is not known");
  }
  Expectation out;
  FLUME_ASSIGN_OR_RETURN(out.seed, unsigned_member(value, "seed", INT64_MAX));
  FLUME_ASSIGN_OR_RETURN(const uint64_t run, unsigned_member(value, "run", UINT32_MAX));
  out.run = static_cast<uint32_t>(run);
  FLUME_ASSIGN_OR_RETURN(out.bytes, unsigned_member(value, "bytes", INT64_MAX));
  const JsonValue* sources = value.find("sources");
  const JsonValue* extras = value.find("extras");
  if (sources == nullptr || !sources->is_array() || extras == nullptr || !extras->is_array()) {
    return invalid("\"sources\" and \"extras\" must be arrays");
  }
  for (const JsonValue& entry : *sources->array()) {
    FLUME_ASSIGN_OR_RETURN(SourceExpectation source, source_of(entry));
    out.sources.push_back(std::move(source));
  }
  for (const JsonValue& entry : *extras->array()) {
    FLUME_ASSIGN_OR_RETURN(ExtraExpectation extra, extra_of(entry));
    out.extras.push_back(std::move(extra));
  }
  return out;
}

}  // namespace

uint64_t Expectation::lines() const {
  uint64_t sum = 0;
  for (const SourceExpectation& source : sources) {
    sum += source.lines;
  }
  for (const ExtraExpectation& extra : extras) {
    sum += extra.count;
  }
  return sum;
}

void Expectation::add_extra(std::string name, std::string_view line, uint64_t count) {
  bytes += count * (line.size() + 1);
  extras.push_back({std::move(name), line.size(), crc32c(line), count});
}

std::string Expectation::to_json() const {
  JsonWriter out(2);
  out.begin_object().member("v", kVersion).member("seed", seed).member("run", run).member("bytes", bytes);
  out.key("sources").begin_array();
  for (const SourceExpectation& source : sources) {
    out.begin_object().member("id", source.id).member("path", source.path).member("lines", source.lines).end_object();
  }
  out.end_array().key("extras").begin_array();
  for (const ExtraExpectation& extra : extras) {
    out.begin_object()
        .member("name", extra.name)
        .member("length", extra.length)
        .member("crc", extra.crc)
        .member("count", extra.count)
        .end_object();
  }
  out.end_array().end_object();
  return out.take() + "\n";
}

Result<Expectation> Expectation::from_json(std::string_view text) {
  auto expectation = read(text);
  if (!expectation.ok()) {
    return expectation.status().with_context("read an expectation");
  }
  return expectation;
}

}  // namespace flume::torture
