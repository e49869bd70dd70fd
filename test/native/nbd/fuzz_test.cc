// SPDX-License-Identifier: BSD-2-Clause
// The NBD client against a server that spoils what it sends, drawn from a seed: it has to end, with an error or
// without. `nbd_fuzz_test COUNT [SEED]` runs more of it.
#include <cstdlib>
#include <random>

#include "../check.h"
#include "disk/nbd_image.h"
#include "server.h"

using namespace std::chrono_literals;
using Buffer = std::vector<std::uint8_t>;

namespace {

void spoil(std::mt19937& random, Buffer& bytes) {
  const auto below = [&](std::size_t limit) { return random() % limit; };
  if (below(4) != 0 || bytes.empty()) return;
  const std::size_t at = below(std::min<std::size_t>(bytes.size(), 48));
  switch (below(6)) {
    case 0: bytes[at] ^= static_cast<std::uint8_t>(1u << below(8)); break;
    case 1: bytes[at] = below(2) ? 0xff : 0; break;
    case 2: bytes.resize(at); break;
    case 3:
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), below(64), static_cast<std::uint8_t>(random()));
      break;
    case 4: {
      const Buffer again = bytes;
      bytes.insert(bytes.end(), again.begin(), again.end());
      break;
    }
    default:
      for (std::size_t index = at; index < std::min(at + 8, bytes.size()); index++) {
        bytes[index] = static_cast<std::uint8_t>(random());
      }
  }
}

void life(unsigned seed) {
  std::mt19937 random(seed), draws(seed + 1);
  test::Server server({.structured = seed % 2 == 0, .splits_reads = seed % 4 == 0});
  tsbhyve::disk::nbd::LinkOptions options;
  options.unix_path = server.path();
  options.connect_timeout = options.answer_timeout = options.reconnect_window = 20ms;
  server.behaviour.spoil = [&](Buffer& bytes) { spoil(random, bytes); };
  try {
    tsbhyve::disk::NbdImage image(options, seed % 8 == 1);
    // Guards on both sides of what a reply may fill.
    Buffer memory(4096 + 2 * 512, 0xa5);
    for (int count = 0; count < 12; count++) {
      iovec part{memory.data() + 512, 4096};
      const std::uint64_t offset = draws() % 128 * 4096;
      switch (draws() % 5) {
        case 0: image.write(&part, 1, offset); break;
        case 1: image.flush(); break;
        case 2: image.zero(offset, 4096, true); break;
        default: image.read(&part, 1, offset);
      }
      for (std::size_t index = 0; index < 512; index++) {
        CHECK(memory[index] == 0xa5 && memory[4096 + 512 + index] == 0xa5);
      }
    }
  } catch (const tsbhyve::disk::nbd::Refused&) {
  }
}

}  // namespace

int main(int count, char** words) {
  const int lives = count > 1 ? atoi(words[1]) : 60;
  const unsigned seed = count > 2 ? static_cast<unsigned>(atoi(words[2])) : 1;
  for (int index = 0; index < lives; index++) life(seed + static_cast<unsigned>(index));
  return test::report();
}
