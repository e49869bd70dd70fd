// SPDX-License-Identifier: BSD-2-Clause
// The soft engine's private section: the virtual clock's exact position, the x87 selectors and both TLBs. Another
// engine may drop it: the TLB entries are then a legal flush, and time continues from the contract's VM time.
#include <algorithm>
#include <stdexcept>
#include <string>

#include "soft/soft_engine.h"

namespace tsbhyve::soft {

namespace {

constexpr u64 layout_version = 1;

[[noreturn]] void refuse(const char* what) {
  throw std::invalid_argument(std::string("the soft engine's private section has ") + what);
}

class Writer {
 public:
  void put(u64 value) {
    for (u32 i = 0; i < 8; i++) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  std::vector<std::uint8_t> bytes;
};

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  u64 get() {
    if (bytes_.size() - at_ < 8) refuse("fewer bytes than it needs");
    u64 value = 0;
    for (u32 i = 0; i < 8; i++) value |= u64{bytes_[at_ + i]} << (8 * i);
    at_ += 8;
    return value;
  }
  bool at_end() const { return at_ == bytes_.size(); }

 private:
  std::span<const std::uint8_t> bytes_;
  size_t at_ = 0;
};

void save_tlb(Writer& out, const TlbEntry (&entries)[tlb_entries]) {
  u64 count = 0;
  for (const TlbEntry& entry : entries) count += entry.linear_page != ~u64{0};
  out.put(count);
  for (size_t i = 0; i < tlb_entries; i++) {
    const TlbEntry& entry = entries[i];
    if (entry.linear_page == ~u64{0}) continue;
    out.put(i);
    out.put(entry.linear_page);
    out.put(entry.physical_page);
    out.put(u64{entry.pcid} | u64{entry.flags} << 16 | u64{entry.page_shift} << 24);
  }
}

using Tlb = std::vector<TlbEntry>;

TlbEntry checked_entry(u64 index, u64 linear, u64 physical, u64 packed) {
  constexpr u64 largest_page = 30;
  const u64 flags = packed >> 16 & 0xff, page_shift = packed >> 24;
  if (index >= tlb_entries || (linear | physical) & page_offset_mask || ((linear >> 12) & (tlb_entries - 1)) != index) {
    refuse("a TLB entry out of place");
  }
  if (flags & ~u64{tlb_flags} || page_shift < 12 || page_shift > largest_page) refuse("a TLB entry of an unknown kind");
  return {linear, physical, static_cast<u16>(packed), static_cast<u8>(flags), static_cast<u8>(page_shift)};
}

Tlb read_tlb(Reader& in) {
  const u64 count = in.get();
  if (count > tlb_entries) refuse("too many TLB entries");
  Tlb entries(tlb_entries);
  for (u64 n = 0; n < count; n++) {
    const u64 index = in.get(), linear = in.get(), physical = in.get(), packed = in.get();
    const TlbEntry entry = checked_entry(index, linear, physical, packed);
    if (entries[index].linear_page != ~u64{0}) refuse("a TLB entry twice");
    entries[index] = entry;
  }
  return entries;
}

}  // namespace

std::vector<std::uint8_t> SoftEngine::get_private() {
  Writer out;
  out.put(layout_version);
  const VmTime::State time = time_.save();
  out.put(time.base);
  out.put(time.base_retired);
  out.put(time.remainder);
  out.put(retired());
  out.put(cpu_->fpu.code_selector | u64{cpu_->fpu.data_selector} << 16);
  save_tlb(out, mmu_.data);
  save_tlb(out, mmu_.code);
  return std::move(out.bytes);
}

void SoftEngine::set_private(std::span<const std::uint8_t> bytes) {
  Reader in(bytes);
  if (in.get() != layout_version) refuse("an unknown version");
  const u64 base = in.get(), base_retired = in.get(), remainder = in.get(), instructions = in.get(),
            selectors = in.get();
  const VmTime::State time{base, base_retired, remainder};
  if (!time_.is_possible(time, instructions)) refuse("an impossible VM time or instruction count");
  const Tlb data = read_tlb(in), code = read_tlb(in);
  if (!in.at_end()) refuse("bytes after its end");
  std::copy(data.begin(), data.end(), mmu_.data);
  std::copy(code.begin(), code.end(), mmu_.code);
  cpu_->fpu.code_selector = static_cast<u16>(selectors);
  cpu_->fpu.data_selector = static_cast<u16>(selectors >> 16);
  cpu_->retire_limit = instructions;
  cpu_->budget = 0;
  if (time_.is_virtual()) time_.load(time);
  drop_caches();
}

}  // namespace tsbhyve::soft
