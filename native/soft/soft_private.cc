// SPDX-License-Identifier: BSD-2-Clause
// The soft engine's private sections: the virtual clock's exact position and whose turn it is, and of each vCPU its
// instruction count, the x87 selectors and both TLBs. Another engine may drop them: the TLB entries are then a legal
// flush, time continues from the contract's VM time, and the first vCPU begins.
#include <algorithm>
#include <stdexcept>
#include <string>

#include "soft/soft_engine.h"

namespace tsbhyve::soft {

namespace {

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

void save_tlb(Writer& out, const Tlb& tlb) {
  u64 count = 0;
  tlb.each([&count](size_t) { count++; });
  out.put(count);
  tlb.each([&](size_t slot) {
    const TlbEntry& entry = tlb[slot];
    out.put(entry.linear_page);
    out.put(entry.physical_page);
    out.put(u64{entry.pcid} | u64{entry.flags} << 16 | u64{entry.page_shift} << 24);
  });
}

TlbEntry checked_entry(u64 linear, u64 physical, u64 packed) {
  constexpr u64 largest_page = 30;
  const u64 flags = packed >> 16 & 0xff, page_shift = packed >> 24;
  if ((linear | physical) & page_offset_mask) refuse("a TLB entry out of place");
  if (flags & ~u64{tlb_flags} || page_shift < 12 || page_shift > largest_page) refuse("a TLB entry of an unknown kind");
  return {linear, physical, static_cast<u16>(packed), static_cast<u8>(flags), static_cast<u8>(page_shift)};
}

std::vector<TlbEntry> read_tlb(Reader& in, bool has_places) {
  const u64 count = in.get();
  if (count > tlb_entries) refuse("too many TLB entries");
  std::vector<TlbEntry> entries;
  std::vector<bool> taken(tlb_entries);
  for (u64 n = 0; n < count; n++) {
    if (has_places) in.get();
    const u64 linear = in.get(), physical = in.get(), packed = in.get();
    const TlbEntry& entry = entries.emplace_back(checked_entry(linear, physical, packed));
    if (taken[tlb_slot(entry.linear_page)]) refuse("a TLB entry twice");
    taken[tlb_slot(entry.linear_page)] = true;
  }
  return entries;
}

void fill_tlb(Tlb& tlb, const std::vector<TlbEntry>& entries) {
  tlb.each([&tlb](size_t slot) { tlb.drop(slot); });
  for (const TlbEntry& entry : entries) tlb.put(entry);
}

/// Versions of a vCPU's section. One that is alone has what else the shared section has, first. The older two, of
/// smaller TLBs, have the place of each entry before it.
constexpr u64 with_time_and_places = 1, with_places = 2, with_time = 3, without_time = 4;
constexpr u64 shared_version = 1;

/// Far beyond any run, far from where sums would wrap.
constexpr u64 most_instructions = u64{1} << 62;

void put_time(Writer& out, const VmTime::State& time) {
  out.put(time.base);
  out.put(time.base_retired);
  out.put(time.remainder);
}

VmTime::State get_time(Reader& in) {
  const u64 base = in.get(), base_retired = in.get(), remainder = in.get();
  return {base, base_retired, remainder};
}

[[noreturn]] void refuse_time() { refuse("an impossible VM time or instruction count"); }

}  // namespace

std::vector<std::uint8_t> SoftVcpu::get_private() {
  Writer out;
  out.put(is_alone_ ? with_time : without_time);
  if (is_alone_) put_time(out, time_.save());
  out.put(retired());
  out.put(cpu_->fpu.code_selector | u64{cpu_->fpu.data_selector} << 16);
  save_tlb(out, mmu_.data);
  save_tlb(out, mmu_.code);
  return std::move(out.bytes);
}

void SoftVcpu::set_private(std::span<const std::uint8_t> bytes) {
  Reader in(bytes);
  const u64 version = in.get();
  const bool has_places = version == (is_alone_ ? with_time_and_places : with_places);
  if (!has_places && version != (is_alone_ ? with_time : without_time)) refuse("an unknown version");
  const VmTime::State time = is_alone_ ? get_time(in) : VmTime::State{};
  const u64 instructions = in.get(), selectors = in.get();
  if (is_alone_ ? !time_.is_possible(time, instructions) : instructions >= most_instructions) refuse_time();
  const std::vector<TlbEntry> data = read_tlb(in, has_places), code = read_tlb(in, has_places);
  if (!in.at_end()) refuse("bytes after its end");
  mmu_.drop_fast();
  fill_tlb(mmu_.data, data);
  fill_tlb(mmu_.code, code);
  cpu_->fpu.code_selector = static_cast<u16>(selectors);
  cpu_->fpu.data_selector = static_cast<u16>(selectors >> 16);
  cpu_->retire_limit = instructions;
  cpu_->budget = 0;
  if (is_alone_ && time_.is_virtual()) time_.load(time);
  if (lockstep_) lockstep_->forget_memory();
  drop_caches();
}

std::vector<std::uint8_t> SoftEngine::get_shared() {
  if (all_.vcpus.size() == 1) return {};
  Writer out;
  out.put(shared_version);
  put_time(out, all_.time.save());
  const Turn turn = schedule_->turn();
  out.put(turn.vcpu);
  out.put(turn.left);
  return std::move(out.bytes);
}

void SoftEngine::set_shared(std::span<const std::uint8_t> bytes) {
  Reader in(bytes);
  if (all_.vcpus.size() > 1) {
    if (in.get() != shared_version) refuse("an unknown version");
    const VmTime::State time = get_time(in);
    const u64 vcpu = in.get(), left = in.get();
    if (!all_.time.is_possible(time, all_.retired())) refuse_time();
    if (vcpu >= all_.vcpus.size() || left > turn_length) refuse("an impossible turn");
    if (all_.time.is_virtual()) all_.time.load(time);
    schedule_->set_turn({static_cast<u32>(vcpu), left});
  }
  if (!in.at_end()) refuse("bytes after its end");
}

}  // namespace tsbhyve::soft
