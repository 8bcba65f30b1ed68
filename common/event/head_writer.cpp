#include <algorithm>

#include "common/base/check.h"
#include "common/event/encoding.h"
#include "common/io/crc32c.h"

namespace flume {

using namespace encoding;  // NOLINT: this file is about these names

namespace {

// Lays out directory, names and data; returns the size of the head and fills the offset of each column.
size_t lay_out(HeadPlan& plan, std::vector<uint32_t>& offsets) {
  std::sort(plan.columns.begin(), plan.columns.end(), [](const HeadPlan::Piece& a, const HeadPlan::Piece& b) {
    return a.id != b.id ? a.id < b.id : a.name < b.name;
  });
  size_t at = kHeaderBytes + plan.columns.size() * kEntryBytes;
  for (const HeadPlan::Piece& piece : plan.columns) {
    at += piece.name.size();
  }
  offsets.reserve(plan.columns.size());
  for (const HeadPlan::Piece& piece : plan.columns) {
    at = align8(at);
    offsets.push_back(static_cast<uint32_t>(at));
    at += piece.data.size();
  }
  return align8(at);
}

void write_header(const HeadPlan& plan, char* head, size_t head_bytes) {
  std::memcpy(head, kMagic.data(), kMagic.size());
  head[kAtVersion] = static_cast<char>(kVersion);
  uint16_t flags = plan.flags & static_cast<uint16_t>(~kCountsBytes);
  flags |= plan.origin.counts_bytes ? kCountsBytes : 0;
  store<uint16_t>(head + kAtFlags, flags);
  store<uint32_t>(head + kAtHeadBytes, static_cast<uint32_t>(head_bytes));
  store<uint32_t>(head + kAtBlobRaw, plan.blob_raw);
  store<uint32_t>(head + kAtRows, plan.rows);
  head[kAtDelimiterLength] = static_cast<char>(plan.delimiter.size());
  std::copy(plan.delimiter.begin(), plan.delimiter.end(), head + kAtDelimiter);
  head[kAtColumns] = static_cast<char>(plan.columns.size());
  std::memcpy(head + kAtOriginNode, plan.origin.node.data(), plan.origin.node.size());
  std::memcpy(head + kAtOriginStream, plan.origin.stream.data(), plan.origin.stream.size());
  store<uint64_t>(head + kAtPosition, plan.origin.position);
  store<uint64_t>(head + kAtEndPosition, plan.origin.end_position);
  std::memcpy(head + kAtHopStream, plan.hop.stream.data(), plan.hop.stream.size());
  store<uint64_t>(head + kAtHopOrdinal, plan.hop.ordinal);
  store<uint32_t>(head + kAtBootEpoch, plan.origin.boot_epoch);
  store<uint32_t>(head + kAtSpan, plan.hop.span);
  store<uint64_t>(head + kAtChain, plan.hop.chain);
}

void write_columns(const HeadPlan& plan, const std::vector<uint32_t>& offsets, char* head) {
  char* entry = head + kHeaderBytes;
  char* name = entry + plan.columns.size() * kEntryBytes;
  for (size_t i = 0; i < plan.columns.size(); ++i) {
    const HeadPlan::Piece& piece = plan.columns[i];
    entry[0] = static_cast<char>(piece.id);
    entry[1] = static_cast<char>(piece.encoding);
    store<uint16_t>(entry + 2, static_cast<uint16_t>(piece.name.size()));
    store<uint32_t>(entry + 4, offsets[i]);
    store<uint32_t>(entry + 8, static_cast<uint32_t>(piece.data.size()));
    name = std::copy(piece.name.begin(), piece.name.end(), name);
    std::copy(piece.data.begin(), piece.data.end(), head + offsets[i]);
    entry += kEntryBytes;
  }
}

struct BlobFacts {
  std::shared_ptr<const char[]> owner;
  const char* blob;
  BlobCodec codec;
  uint32_t stored, crc;
};

}  // namespace

std::shared_ptr<const EventBatch::Shared> BatchAccess::open_head(std::shared_ptr<char[]> head, size_t head_bytes,
                                                                 std::shared_ptr<const char[]> blob_owner,
                                                                 const char* blob, uint32_t chain_rows) {
  store<uint32_t>(head.get() + kAtHeadCrc, 0);
  store<uint32_t>(head.get() + kAtHeadCrc, crc32c({head.get(), head_bytes}));
  auto shared = std::make_shared<Shared>();
  shared->head = head.get();
  shared->head_owner = std::move(head);
  shared->blob_owner = std::move(blob_owner);
  shared->blob = blob;
  const Status opened = parse(*shared, BatchLimits{.event_bytes = kMaxBlobBytes}, true);
  FLUME_CHECK(opened.ok(), opened.message());
  if (chain_rows != 0) {
    shared->chain_rows = chain_rows;
  }
  return shared;
}

namespace {

std::shared_ptr<const EventBatch::Shared> write(HeadPlan& plan, BlobFacts blob) {
  FLUME_CHECK(plan.columns.size() <= kMaxColumns && plan.rows > 0, "more columns than a batch can have, or no rows");
  std::vector<uint32_t> offsets;
  const size_t head_bytes = lay_out(plan, offsets);
  FLUME_CHECK(head_bytes <= kMaxHeadBytes, "the head of a batch would be larger than the format allows");
  auto head = std::make_shared<char[]>(head_bytes);
  write_header(plan, head.get(), head_bytes);
  head[kAtCodec] = static_cast<char>(blob.codec);
  store<uint32_t>(head.get() + kAtBlobStored, blob.stored);
  store<uint32_t>(head.get() + kAtBlobCrc, blob.crc);
  write_columns(plan, offsets, head.get());
  return BatchAccess::open_head(std::move(head), head_bytes, std::move(blob.owner), blob.blob);
}

}  // namespace

std::shared_ptr<const EventBatch::Shared> BatchAccess::assemble(HeadPlan& plan,
                                                                std::shared_ptr<const char[]> blob_owner,
                                                                const char* blob, uint32_t blob_crc) {
  return write(plan, {std::move(blob_owner), blob, BlobCodec::kNone, plan.blob_raw, blob_crc});
}

std::shared_ptr<const EventBatch::Shared> BatchAccess::assemble(HeadPlan& plan, const Shared& from) {
  return write(plan,
               {from.blob_owner, from.blob, from.codec, from.blob_stored, load<uint32_t>(from.head + kAtBlobCrc)});
}

size_t BatchAccess::head_bytes_of(const HeadPlan& plan) {
  HeadPlan copy;
  copy.columns = plan.columns;
  std::vector<uint32_t> offsets;
  return lay_out(copy, offsets);
}

HeadPlan BatchAccess::plan_of(const Shared& shared) {
  HeadPlan plan;
  plan.flags = shared.flags;
  plan.rows = shared.rows;
  plan.blob_raw = shared.blob_raw;
  plan.delimiter = shared.delimiter;
  plan.origin = shared.origin;
  plan.hop = shared.hop;
  return plan;
}

}  // namespace flume
