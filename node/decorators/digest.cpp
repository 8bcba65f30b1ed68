// digest(algorithm, attr{, base64=false}) — sets an attribute to a digest of the body.
#include <openssl/evp.h>

#include <array>

#include "node/runtime/registry.h"
#include "node/runtime/row_map.h"

namespace flume::node {
namespace {

constexpr std::array<std::pair<std::string_view, const char*>, 8> kAlgorithms{{{"MD5", "MD5"},
                                                                               {"SHA-1", "SHA1"},
                                                                               {"SHA1", "SHA1"},
                                                                               {"SHA", "SHA1"},
                                                                               {"SHA-224", "SHA224"},
                                                                               {"SHA-256", "SHA256"},
                                                                               {"SHA-384", "SHA384"},
                                                                               {"SHA-512", "SHA512"}}};

std::string base64_of(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  return text;
}

class DigestDecorator final : public RowMap {
 public:
  DigestDecorator(std::unique_ptr<Sink> sub, std::string algorithm, std::string attribute, bool base64)
      : RowMap(std::move(sub)), algorithm_(std::move(algorithm)), attribute_(std::move(attribute)), base64_(base64) {}

  Status open(Context& context, const Wait& wait) override {
    for (const auto& [name, library_name] : kAlgorithms) {
      if (name == algorithm_) {
        method_ = EVP_get_digestbyname(library_name);
      }
    }
    if (method_ == nullptr) {
      return {Code::kUnsupported, "digest " + algorithm_ + ": this machine's OpenSSL does not offer it"};
    }
    return RowMap::open(context, wait);
  }

 protected:
  EventBatch map(const EventBatch& batch) override {
    std::vector<std::string> digests(batch.rows());
    std::vector<std::optional<std::string_view>> values(batch.rows());
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      unsigned char bytes[EVP_MAX_MD_SIZE];
      unsigned size = 0;
      const std::string_view body = batch.body(row);
      FLUME_CHECK(EVP_Digest(body.data(), body.size(), bytes, &size, method_, nullptr) == 1, "digest");
      const std::string_view raw(reinterpret_cast<const char*>(bytes), size);
      digests[row] = base64_ ? base64_of(raw) : std::string(raw);
      values[row] = digests[row];
    }
    return batch.with_attribute(attribute_, values);
  }

 private:
  const std::string algorithm_;
  const std::string attribute_;
  const bool base64_;
  const EVP_MD* method_ = nullptr;  // the library's own
};

}  // namespace

void register_decorator_digest(Registry& registry) {
  lang::ComponentSpec spec;
  spec.kind = lang::ComponentSpec::Kind::kDecorator;
  spec.name = "digest";
  spec.summary = "Sets an attribute to a digest of the body.";
  lang::ArgSpec algorithm{.name = "algorithm", .doc = "Name of the digest."};
  algorithm.required = true;
  for (const auto& entry : kAlgorithms) {
    algorithm.one_of.emplace_back(entry.first);
  }
  lang::ArgSpec attribute{.name = "attr", .doc = "Attribute that gets the digest."};
  attribute.required = true;
  lang::ArgSpec base64{.name = "base64", .doc = "As Base64 text instead of raw bytes.", .default_text = "false"};
  base64.type = lang::ArgType::kBool;
  base64.keyword_only = true;
  spec.args = {algorithm, attribute, base64};
  spec.examples = {{R"(digest("SHA-256", "sum", base64=true) console)", "A checksum beside every line."}};
  registry.add_decorator(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<DigestDecorator>(build.sink(plan.children[0]), plan.args.text("algorithm"),
                                             plan.args.text("attr"), plan.args.boolean("base64"));
  });
}

}  // namespace flume::node
