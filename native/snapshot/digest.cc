// SPDX-License-Identifier: BSD-2-Clause
#include "snapshot/digest.h"

// From its header alone, so that the addon needs no shared library at run time.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tsbhyve::snapshot {

struct Digest::State {
  XXH3_state_t xxh3;
};

Digest::Digest() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->xxh3); }

Digest::~Digest() = default;

void Digest::update(const std::uint8_t* bytes, std::size_t length) {
  XXH3_128bits_update(&state_->xxh3, bytes, length);
}

DigestBytes Digest::finish() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state_->xxh3));
  DigestBytes bytes;
  for (std::size_t i = 0; i < bytes.size(); i++) bytes[i] = canonical.digest[i];
  return bytes;
}

}  // namespace tsbhyve::snapshot
