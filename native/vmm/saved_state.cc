// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/saved_state.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "vmm/kick.h"

namespace tsbhyve::vmm {

namespace {

__extension__ using i128 = __int128;

/// No part of a VM with 16 vCPUs comes near this.
constexpr std::size_t largest_part = 1 << 20;
constexpr snapshot_req vcpu_parts[] = {STRUCT_VM, STRUCT_VLAPIC, STRUCT_VMCX};

constexpr std::uint32_t magic = 0x766d6d31, layout = 1;
struct Header {
  std::uint32_t magic, layout, api_version, kernel_release;
  std::uint64_t tsc_hz;
};
struct PartHeader {
  std::uint32_t part, size;
};

constexpr std::int64_t pm_timer_hz = 3'579'545;

template <class T>
void append(std::vector<std::uint8_t>& bytes, const T& value) {
  const auto* const start = reinterpret_cast<const std::uint8_t*>(&value);
  bytes.insert(bytes.end(), start, start + sizeof value);
}

template <class T>
T take(std::span<const std::uint8_t>& bytes) {
  T value;
  if (bytes.size() < sizeof value) throw std::invalid_argument("the private section of vmm is too short");
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes = bytes.subspan(sizeof value);
  return value;
}

Header header_for(const Library& library) {
  return {magic, layout, VMMAPI_VERSION, library.kernel_release(), library.tsc_hz()};
}

void check(const Header& saved, const Header& here) {
  const auto refuse = [](const char* what, std::uint64_t theirs, std::uint64_t ours) {
    throw std::invalid_argument("the private section of vmm is of " + std::string(what) + " " + std::to_string(theirs) +
                                ", here it is " + std::to_string(ours));
  };
  if (saved.magic != here.magic || saved.layout != here.layout) refuse("layout", saved.layout, here.layout);
  if (saved.api_version != here.api_version) refuse("libvmmapi version", saved.api_version, here.api_version);
  if (saved.kernel_release != here.kernel_release) refuse("kernel", saved.kernel_release, here.kernel_release);
  if (saved.tsc_hz != here.tsc_hz) refuse("a TSC with a rate of", saved.tsc_hz, here.tsc_hz);
}

}  // namespace

/// A kernel without BHYVE_SNAPSHOT does not know the request.
SavedState::SavedState(Vm& vm) : vm_(vm) {
  if (!vm_.library().vm_snapshot_req || !vm_.library().vm_restore_time) return;
  std::vector<std::uint8_t> buffer(largest_part);
  std::size_t used = 0;
  supported_ = true;
  if (request(STRUCT_VPMTMR, VM_SNAPSHOT_SAVE, buffer, used)) return;
  if (errno != ENOTTY) throw EngineError{errno, "vm_snapshot_req", "the PM timer"};
  supported_ = false;
}

std::string SavedState::missing() const {
  if (supported_) return "";
  return "anything of the processor and the chipset: this FreeBSD was built without BHYVE_SNAPSHOT; a kernel with "
         "\"options BHYVE_SNAPSHOT\" and a system built WITH_BHYVE_SNAPSHOT=yes can";
}

bool SavedState::request(snapshot_req part, vm_snapshot_op op, std::vector<std::uint8_t>& buffer,
                         std::size_t& used) const {
  if (!supported_) throw EngineError{0, "vmm", "cannot save or restore " + missing()};
  struct vm_snapshot_meta meta {
    nullptr, nullptr, part, {buffer.data(), buffer.size(), buffer.data(), buffer.size()}, op
  };
  if (vm_.library().vm_snapshot_req(vm_.ctx(), &meta) != 0) return false;
  used = buffer.size() - meta.buffer.buf_rem;
  return true;
}

std::vector<std::uint8_t> SavedState::save(snapshot_req part) const {
  if (part == STRUCT_VPMTMR) return save_pm_timer();
  std::vector<std::uint8_t> buffer(largest_part);
  std::size_t used = 0;
  if (!request(part, VM_SNAPSHOT_SAVE, buffer, used))
    throw EngineError{errno, "vm_snapshot_req", "save of part " + std::to_string(part)};
  buffer.resize(used);
  return buffer;
}

void SavedState::load(snapshot_req part, std::span<const std::uint8_t> bytes) {
  loaded_ = true;
  if (part == STRUCT_VPMTMR) {
    if (bytes.size() != sizeof pm_timer_) throw std::invalid_argument("the state of the PM timer has 4 bytes");
    std::memcpy(&pm_timer_, bytes.data(), sizeof pm_timer_);
    has_pm_timer_ = true;
    return;
  }
  std::vector<std::uint8_t> buffer(bytes.begin(), bytes.end());
  std::size_t used = 0;
  if (!request(part, VM_SNAPSHOT_RESTORE, buffer, used))
    throw EngineError{errno, "vm_snapshot_req", "restore of part " + std::to_string(part)};
  if (used != buffer.size()) {
    throw std::invalid_argument("part " + std::to_string(part) + " of the saved state has " +
                                std::to_string(buffer.size()) + " bytes; this kernel takes " + std::to_string(used));
  }
}

std::vector<std::uint8_t> SavedState::save_vcpus() const {
  std::vector<std::uint8_t> bytes;
  append(bytes, header_for(vm_.library()));
  for (const snapshot_req part : vcpu_parts) {
    const std::vector<std::uint8_t> saved = save(part);
    append(bytes, PartHeader{static_cast<std::uint32_t>(part), static_cast<std::uint32_t>(saved.size())});
    bytes.insert(bytes.end(), saved.begin(), saved.end());
  }
  return bytes;
}

void SavedState::load_vcpus(std::span<const std::uint8_t> bytes) {
  check(take<Header>(bytes), header_for(vm_.library()));
  for (const snapshot_req part : vcpu_parts) {
    const auto header = take<PartHeader>(bytes);
    if (header.part != part || header.size > bytes.size())
      throw std::invalid_argument("the private section of vmm is damaged at part " + std::to_string(part));
    load(part, bytes.first(header.size));
    bytes = bytes.subspan(header.size);
  }
  if (!bytes.empty()) throw std::invalid_argument("the private section of vmm has bytes after its end");
}

/// Since a time of the host's.
std::uint32_t SavedState::pm_timer_ticks(std::int64_t start) {
  const std::int64_t passed = host_now() - start;
  return static_cast<std::uint32_t>(static_cast<i128>(passed) * pm_timer_hz / 1'000'000'000);
}

/// The kernel's timer shows its base value, which is all that it saves, and what has passed since the VM was made.
std::vector<std::uint8_t> SavedState::save_pm_timer() const {
  std::vector<std::uint8_t> buffer(largest_part);
  std::size_t used = 0;
  if (!request(STRUCT_VPMTMR, VM_SNAPSHOT_SAVE, buffer, used))
    throw EngineError{errno, "vm_snapshot_req", "save of the PM timer"};
  std::uint32_t base = 0;
  if (used != sizeof base) throw EngineError{0, "vmm", "this kernel's PM timer has a state that is not known here"};
  std::memcpy(&base, buffer.data(), sizeof base);
  base += pm_timer_ticks(vm_.made_after());  // rather more than less: no clock may go back
  buffer.resize(sizeof base);
  std::memcpy(buffer.data(), &base, sizeof base);
  return buffer;
}

void SavedState::load_pm_timer() {
  has_pm_timer_ = false;
  const std::uint32_t base = pm_timer_ - pm_timer_ticks(vm_.made_before());
  std::vector<std::uint8_t> buffer(sizeof base);
  std::memcpy(buffer.data(), &base, sizeof base);
  std::size_t used = 0;
  if (!request(STRUCT_VPMTMR, VM_SNAPSHOT_RESTORE, buffer, used))
    throw EngineError{errno, "vm_snapshot_req", "restore of the PM timer"};
}

void SavedState::let_time_run() {
  if (!loaded_) return;
  loaded_ = false;
  if (has_pm_timer_) load_pm_timer();
  TSBHYVE_VMM(vm_.library(), vm_restore_time, vm_.ctx());
}

}  // namespace tsbhyve::vmm
