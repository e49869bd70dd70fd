// SPDX-License-Identifier: BSD-2-Clause
// VM_SNAPSHOT_REQ with the holes of the kernel's: no FPU, no way to set the 8254 going, a PM timer that saves its base
// only. The generic library answers as a kernel without BHYVE_SNAPSHOT does.
#include <cerrno>
#include <cstring>
#include <type_traits>

#include "engine/lapic_state.h"
#include "vmctx.h"

using namespace imitation;
using tsbhyve::LapicRow;

namespace {

constexpr std::uint32_t tsc_msr = 0x10;
constexpr std::size_t page_bytes = 4096;
constexpr std::uint64_t lapic_hz = 128 * 1024 * 1024;

/// One buffer, read or written from its start.
class Stream {
 public:
  explicit Stream(vm_snapshot_meta* meta) : meta_(meta) {}
  bool restores() const { return meta_->op == VM_SNAPSHOT_RESTORE; }

  void bytes(void* data, std::size_t size) {
    vm_snapshot_buffer& buffer = meta_->buffer;
    if (failed_ || buffer.buf_rem < size) {
      failed_ = true;
      return;
    }
    if (restores())
      std::memcpy(data, buffer.buf, size);
    else
      std::memcpy(buffer.buf, data, size);
    buffer.buf += size;
    buffer.buf_rem -= size;
  }
  template <class T>
  void value(T& data) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes(&data, sizeof data);
  }
  int result() const { return failed_ ? E2BIG : 0; }

 private:
  vm_snapshot_meta* meta_;
  bool failed_ = false;
};

std::uint64_t tsc(vmctx* ctx) {
  const std::uint64_t unmoved = ticks_at(ctx->now(), 1'200'000'000);
  for (const auto& [index, value] : ctx->cpu->vcpu(0).get_msrs()) {
    if (index == 0x3b) return unmoved + value;
  }
  return unmoved;
}

int machine(vmctx* ctx, Stream stream) {
  std::uint32_t x2apic = 0;
  std::uint64_t xcr0 = 1, saved_tsc = tsc(ctx);
  stream.value(x2apic);
  stream.value(ctx->processor->intinfo);
  stream.value(xcr0);
  stream.value(saved_tsc);
  if (stream.restores() && stream.result() == 0) {
    ctx->restored_tsc = saved_tsc;
    ctx->restores_tsc = true;
  }
  return stream.result();
}

/// Registers and MSRs; the FPU is not among them.
int processor(vmctx* ctx, Stream stream) {
  std::vector<std::uint64_t> values = registers(ctx);
  std::vector<std::pair<std::uint32_t, std::uint64_t>> msrs = ctx->cpu->vcpu(0).get_msrs();
  stream.bytes(values.data(), values.size() * sizeof values[0]);
  for (auto& [index, value] : msrs) {
    stream.value(index);
    stream.value(value);
  }
  if (!stream.restores() || stream.result() != 0) return stream.result();
  ctx->processor->next_rip.reset();
  set_registers(ctx, tsbhyve::RegisterGroup::All, values);
  ctx->cpu->vcpu(0).set_msrs(msrs);
  return 0;
}

struct Plain {
  LapicRow row;
  std::size_t offset, count;
};
constexpr Plain plain[] = {
    {LapicRow::task_priority, 0x80, 1},
    {LapicRow::logical_destination, 0xd0, 1},
    {LapicRow::destination_format, 0xe0, 1},
    {LapicRow::spurious, 0xf0, 1},
    {LapicRow::in_service, 0x100, 8},
    {LapicRow::trigger_mode, 0x180, 8},
    {LapicRow::request, 0x200, 8},
    {LapicRow::error_status, 0x280, 1},
    {LapicRow::lvt, 0x320, 6},
    {LapicRow::initial_count, 0x380, 1},
    {LapicRow::divide_configuration, 0x3e0, 1},
};

std::uint64_t divisor(std::uint64_t configuration) {
  const std::uint64_t code = (configuration & 3) | (configuration & 8) >> 1;
  return code == 7 ? 1 : std::uint64_t{2} << code;
}

int local_apic(vmctx* ctx, Stream stream) {
  std::vector<std::uint64_t> rows = ctx->cpu->vcpu(0).get_lapic();
  const auto at = [&rows](LapicRow row) -> std::uint64_t& { return rows[static_cast<std::size_t>(row)]; };
  std::vector<std::uint8_t> page(page_bytes);
  const auto word = [&page](std::size_t offset) { return reinterpret_cast<std::uint32_t*>(page.data() + offset); };
  for (const Plain& entry : plain) {
    for (std::size_t i = 0; i < entry.count; i++)
      *word(entry.offset + 16 * i) = static_cast<std::uint32_t>((&at(entry.row))[i]);
  }
  *word(0x20) = static_cast<std::uint32_t>(at(LapicRow::id) << 24);
  *word(0x300) = static_cast<std::uint32_t>(at(LapicRow::interrupt_command));
  *word(0x310) = static_cast<std::uint32_t>(at(LapicRow::interrupt_command) >> 32);
  const std::uint64_t rate = divisor(at(LapicRow::divide_configuration));
  std::uint32_t left = 0;
  if (at(LapicRow::timer_running)) {
    const std::uint64_t passed = static_cast<std::uint64_t>(ctx->now()) - at(LapicRow::timer_start);
    const std::uint64_t gone = ticks_at(static_cast<i64>(passed), lapic_hz) / rate, count = at(LapicRow::initial_count);
    left = static_cast<std::uint32_t>(count - gone % count);
  }
  std::uint8_t kernel_only[120] = {};  // the stack of vectors in service, the last LVT values, the rate
  stream.bytes(page.data(), page.size());
  stream.bytes(kernel_only, sizeof kernel_only);
  stream.value(left);
  if (!stream.restores() || stream.result() != 0) return stream.result();
  for (const Plain& entry : plain) {
    for (std::size_t i = 0; i < entry.count; i++) (&at(entry.row))[i] = *word(entry.offset + 16 * i);
  }
  at(LapicRow::id) = *word(0x20) >> 24;
  at(LapicRow::interrupt_command) = *word(0x300) | std::uint64_t{*word(0x310)} << 32;
  at(LapicRow::timer_running) = left != 0;
  const std::uint64_t gone = (at(LapicRow::initial_count) - left) * divisor(at(LapicRow::divide_configuration));
  at(LapicRow::timer_start) = static_cast<std::uint64_t>(ctx->now()) - (gone * 1'000'000'000 / lapic_hz);
  ctx->cpu->vcpu(0).set_lapic(rows);
  return 0;
}

int chips(vmctx* ctx, snapshot_req part, Stream stream) {
  Chips& all = *ctx->chips;
  switch (part) {
    case STRUCT_VIOAPIC: stream.value(all.ioapic.state); break;
    case STRUCT_VATPIC:
      stream.value(all.pic.chips);
      if (stream.restores()) ctx->cpu->set_external_interrupt(all.pic.interrupts());
      break;
    case STRUCT_VATPIT:
      stream.value(all.pit.state);
      if (stream.restores()) all.pit.forget_rise();
      break;
    case STRUCT_VHPET:
      if (!stream.restores()) all.hpet.settle(ctx->now());
      stream.value(all.hpet.state);
      break;
    case STRUCT_VPMTMR: stream.value(all.pm_timer_base); break;
    case STRUCT_VRTC:
      stream.value(all.rtc.state);
      if (stream.restores()) all.rtc.restart(ctx->now());
      break;
    default: return EINVAL;
  }
  return stream.result();
}

}  // namespace

int vm_snapshot_req(vmctx* ctx, vm_snapshot_meta* meta) {
  if (!kernel_saves) return fail(ENOTTY);
  int error = 0;
  switch (meta->dev_req) {
    case STRUCT_VM: error = machine(ctx, Stream(meta)); break;
    case STRUCT_VLAPIC: error = local_apic(ctx, Stream(meta)); break;
    case STRUCT_VMCX: error = processor(ctx, Stream(meta)); break;
    default: error = chips(ctx, meta->dev_req, Stream(meta));
  }
  return error == 0 ? 0 : fail(error);
}

int vm_restore_time(vmctx* ctx) {
  if (!kernel_saves) return fail(ENOTTY);
  if (ctx->restores_tsc) ctx->cpu->vcpu(0).set_msrs({{tsc_msr, ctx->restored_tsc}});
  ctx->restores_tsc = false;
  ctx->chips->hpet.restart(ctx->now());
  return 0;
}
