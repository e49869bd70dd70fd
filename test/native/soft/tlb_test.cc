// SPDX-License-Identifier: BSD-2-Clause
// The TLB's lists of what it holds, beside a plain look at every slot.
#include "soft/memory/tlb.h"

#include <memory>
#include <random>
#include <set>
#include <string>

#include "../check.h"

using namespace tsbhyve;
using namespace tsbhyve::soft;
using test::require;

namespace {

constexpr u64 empty = ~u64{0};
constexpr size_t slots = 8192;

template <class Wanted>
std::set<size_t> looked_up(const Tlb& tlb, Wanted wanted) {
  std::set<size_t> found;
  for (size_t slot = 0; slot < slots; slot++) {
    if (tlb[slot].linear_page != empty && wanted(tlb[slot])) found.insert(slot);
  }
  return found;
}

void check_lists(const Tlb& tlb, u64 lin, const std::string& when) {
  std::set<size_t> all, local, near, of_frame;
  tlb.each([&](size_t slot) { all.insert(slot); });
  tlb.each_local([&](size_t slot) { local.insert(slot); });
  tlb.each_near(lin, [&](size_t slot) {
    if ((tlb[slot].linear_page ^ lin) >> tlb[slot].page_shift == 0) near.insert(slot);
  });
  tlb.each_of_frame(lin, [&](size_t slot) {
    if (tlb[slot].physical_page == lin && tlb[slot].linear_page != empty) of_frame.insert(slot);
  });
  require(all == looked_up(tlb, [](const TlbEntry&) { return true; }), when + ": all");
  require(local == looked_up(tlb, [](const TlbEntry& entry) { return (entry.flags & 4) == 0; }), when + ": local");
  require(near == looked_up(tlb, [=](const TlbEntry& e) { return (e.linear_page ^ lin) >> e.page_shift == 0; }),
          when + ": of one mapping");
  require(of_frame == looked_up(tlb, [=](const TlbEntry& e) { return e.physical_page == lin; }), when + ": of a frame");
}

void lists_are_what_is_there() {
  std::mt19937_64 random(7);
  const auto tlb = std::make_unique<Tlb>();
  // Few pages, so that they meet; the last shift is that of pages of 1 GiB.
  constexpr u8 shifts[] = {12, 12, 12, 21, 22, 30};
  for (int round = 0; round < 400; round++) {
    const bool huge = round % 200 >= 100;
    for (int n = 0; n < 50; n++) {
      const u64 page = (random() % 0x6000) << 12;
      const u8 shift = shifts[random() % (huge ? 6 : 5)];
      if (random() % 3 == 0)
        tlb->drop(random() % slots);
      else
        tlb->put({page, (random() % 0x6000) << 12, 0, static_cast<u8>(random() % 32), shift});
    }
    if (!huge) {
      tlb->each([&](size_t slot) {
        if ((*tlb)[slot].page_shift == 30) tlb->drop(slot);
      });
    }
    check_lists(*tlb, (random() % 0x6000) << 12, "round " + std::to_string(round));
  }
}

}  // namespace

int main() { lists_are_what_is_there(); }
