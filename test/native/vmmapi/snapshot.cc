// SPDX-License-Identifier: BSD-2-Clause
// VM_SNAPSHOT_REQ with the holes of the kernel's: no FPU, no way to set the 8254 going, a PM timer that saves its base
// only. The generic library answers as a kernel without BHYVE_SNAPSHOT does.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include "lapic_page.h"
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

std::uint64_t tsc(vcpu* cpu) {
  const std::uint64_t unmoved = ticks_at(cpu->vm->now(), 1'200'000'000);
  for (const auto& [index, value] : cpu->core().get_msrs()) {
    if (index == 0x3b) return unmoved + value;
  }
  return unmoved;
}

void machine(vcpu* cpu, Stream& stream) {
  std::uint32_t x2apic = 0;
  std::uint64_t xcr0 = cpu->core().cpu()->xcr0, saved_tsc = tsc(cpu);
  stream.value(x2apic);
  stream.value(cpu->intinfo);
  stream.value(xcr0);
  stream.value(saved_tsc);
  if (!stream.restores() || stream.result() != 0) return;
  cpu->core().cpu()->xcr0 = xcr0;
  cpu->restored_tsc = saved_tsc;
}

/// Registers and MSRs; the FPU is not among them, nor an NMI that waits.
void processor(vcpu* cpu, Stream& stream) {
  std::vector<std::uint64_t> values = registers(cpu);
  values[row(tsbhyve::Register::nmi_pending)] = 0;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> msrs = cpu->core().get_msrs();
  stream.bytes(values.data(), values.size() * sizeof values[0]);
  for (auto& [index, value] : msrs) {
    stream.value(index);
    stream.value(value);
  }
  if (!stream.restores() || stream.result() != 0) return;
  cpu->next_rip.reset();
  set_registers(cpu, tsbhyve::RegisterGroup::All, values);
  cpu->core().set_msrs(msrs);
}

std::uint64_t divisor(std::uint64_t configuration) {
  const std::uint64_t code = (configuration & 3) | (configuration & 8) >> 1;
  return code == 7 ? 1 : std::uint64_t{2} << code;
}

void local_apic(vcpu* cpu, Stream& stream) {
  std::vector<std::uint64_t> rows = cpu->core().get_lapic();
  const auto at = [&rows](LapicRow row) -> std::uint64_t& { return rows[static_cast<std::size_t>(row)]; };
  std::vector<std::uint8_t> page(page_bytes);
  const auto word = [&page](std::size_t offset) { return reinterpret_cast<std::uint32_t*>(page.data() + offset); };
  for (const LapicRegisters& entry : lapic_registers) {
    for (std::size_t i = 0; i < entry.count; i++)
      *word(entry.offset + 16 * i) = static_cast<std::uint32_t>((&at(entry.row))[i]);
  }
  *word(0x20) = static_cast<std::uint32_t>(at(LapicRow::id) << 24);
  *word(0x300) = static_cast<std::uint32_t>(at(LapicRow::interrupt_command));
  *word(0x310) = static_cast<std::uint32_t>(at(LapicRow::interrupt_command) >> 32);
  const std::uint64_t rate = divisor(at(LapicRow::divide_configuration));
  std::uint32_t left = 0;
  if (at(LapicRow::timer_running)) {
    const std::uint64_t passed = static_cast<std::uint64_t>(cpu->vm->now()) - at(LapicRow::timer_start);
    const std::uint64_t gone = ticks_at(static_cast<i64>(passed), lapic_hz) / rate, count = at(LapicRow::initial_count);
    left = static_cast<std::uint32_t>(count - gone % count);
  }
  std::uint8_t kernel_only[120] = {};  // the stack of vectors in service, the last LVT values, the rate
  stream.bytes(page.data(), page.size());
  stream.bytes(kernel_only, sizeof kernel_only);
  stream.value(left);
  if (!stream.restores() || stream.result() != 0) return;
  for (const LapicRegisters& entry : lapic_registers) {
    for (std::size_t i = 0; i < entry.count; i++) (&at(entry.row))[i] = *word(entry.offset + 16 * i);
  }
  at(LapicRow::id) = *word(0x20) >> 24;
  at(LapicRow::interrupt_command) = *word(0x300) | std::uint64_t{*word(0x310)} << 32;
  at(LapicRow::timer_running) = left != 0;
  const std::uint64_t gone = (at(LapicRow::initial_count) - left) * divisor(at(LapicRow::divide_configuration));
  at(LapicRow::timer_start) = static_cast<std::uint64_t>(cpu->vm->now()) - (gone * 1'000'000'000 / lapic_hz);
  cpu->core().set_lapic(rows);
}

// 8254, 8259s and I/O APIC field by field as FreeBSD 14 writes them: the engine reads those.

struct BinTime {
  std::int64_t seconds;
  std::uint64_t fraction;  // of 2^64
};

/// The kernel keeps times since the host's start, the chips here since the VM's.
std::int64_t start_of(vmctx* ctx) { return host_now() - ctx->now(); }

void time_of_day(Stream& stream, std::int64_t& time, std::int64_t start) {
  const std::int64_t host = time + start;
  BinTime value{host / second, static_cast<std::uint64_t>((static_cast<u128>(host % second) << 64) / second)};
  stream.value(value.seconds);
  stream.value(value.fraction);
  time = value.seconds * second + static_cast<std::int64_t>(static_cast<u128>(value.fraction) * second >> 64) - start;
}

void interval_timer(vmctx* ctx, Stream& stream) {
  constexpr u64 hz = 1'193'182;
  Pit& pit = ctx->chips->pit;
  const std::int64_t start = start_of(ctx);
  std::int64_t frequency[2] = {};
  stream.value(frequency);
  std::int64_t rise = pit.next_rise() == never ? 0 : pit.next_rise();
  for (Pit::Counter& counter : pit.state.counters) {
    std::int32_t mode = counter.mode << 1, write_high = counter.write_high, high_next = counter.high_next;
    u16 initial = static_cast<u16>(counter.initial > 0xffff ? 0xffff : counter.initial);
    u8 bytes[4] = {counter.low, 0, static_cast<u8>(counter.latch), static_cast<u8>(counter.latch >> 8)};
    std::int64_t loaded = time_of(counter.start, hz);
    stream.value(mode);
    stream.value(initial);
    time_of_day(stream, loaded, start);
    stream.value(bytes);
    stream.value(counter.status_latched);
    stream.value(counter.status);
    stream.value(write_high);
    stream.value(high_next);
    time_of_day(stream, rise, start);
    if (!stream.restores()) continue;
    counter.mode = static_cast<u8>(mode >> 1);
    counter.access = 3;
    counter.initial = initial;
    counter.start = loaded > 0 ? ticks_at(loaded, hz) : 0;
    counter.low = bytes[0];
    counter.write_high = write_high != 0;
    counter.high_next = high_next != 0;
  }
  if (stream.restores()) pit.forget_rise();
}

void interrupt_controllers(vmctx* ctx, Stream& stream) {
  for (Pic::Chip& chip : ctx->chips->pic.chips) {
    bool ready = chip.step == 0, unused = false, raised = false;
    std::int32_t step = chip.step, reads = chip.reads_service, base = chip.base, lowest = 7;
    u8 special = 0;
    stream.value(ready);
    stream.value(step);
    stream.value(reads);
    stream.value(chip.auto_eoi);
    for (int flag = 0; flag < 3; flag++) stream.value(unused);
    stream.value(base);
    stream.value(chip.request);
    stream.value(chip.service);
    stream.value(chip.mask);
    stream.value(special);
    stream.value(chip.asserted);
    stream.value(lowest);
    stream.value(raised);
    if (!stream.restores()) continue;
    chip.step = static_cast<u8>(step);
    chip.reads_service = reads != 0;
    chip.base = static_cast<u8>(base);
    chip.level = 0;
    for (unsigned input = 0; input < 8; input++) {
      if (chip.asserted[input] > 0) chip.level |= static_cast<u8>(1u << input);
    }
  }
  for (Pic::Chip& chip : ctx->chips->pic.chips) stream.value(chip.elcr);
  if (stream.restores()) ctx->cores->set_external_interrupt(ctx->chips->pic.interrupts());
}

bool all_frozen(vmctx* ctx) {
  return std::none_of(ctx->vcpus.begin(), ctx->vcpus.end(), [](const auto& cpu) { return cpu->inside; });
}

int chips(vmctx* ctx, snapshot_req part, Stream& stream) {
  Chips& all = *ctx->chips;
  switch (part) {
    case STRUCT_VIOAPIC:
      stream.value(all.ioapic.state.select);
      for (unsigned pin = 0; pin < IoApic::pins; pin++) {
        stream.value(all.ioapic.state.entry[pin]);
        stream.value(all.ioapic.state.asserted[pin]);
      }
      break;
    case STRUCT_VATPIC: interrupt_controllers(ctx, stream); break;
    case STRUCT_VATPIT: interval_timer(ctx, stream); break;
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
  const std::lock_guard guard(ctx->lock);
  if (!all_frozen(ctx)) return fail(EBUSY);
  Stream stream(meta);
  const auto each = [ctx, &stream](void (*part)(vcpu*, Stream&)) {
    for (const auto& cpu : ctx->vcpus) part(cpu.get(), stream);
    return stream.result();
  };
  int error = 0;
  switch (meta->dev_req) {
    case STRUCT_VM:
      each(machine);
      stream.value(ctx->awaits_start);
      error = stream.result();
      break;
    case STRUCT_VLAPIC: error = each(local_apic); break;
    case STRUCT_VMCX: error = each(processor); break;
    default: error = chips(ctx, meta->dev_req, stream);
  }
  return error == 0 ? 0 : fail(error);
}

int vm_restore_time(vmctx* ctx) {
  if (!kernel_saves) return fail(ENOTTY);
  const std::lock_guard guard(ctx->lock);
  if (!all_frozen(ctx)) return fail(EBUSY);
  for (const auto& cpu : ctx->vcpus) {
    if (cpu->restored_tsc) cpu->core().set_msrs({{tsc_msr, *cpu->restored_tsc}});
    cpu->restored_tsc.reset();
  }
  ctx->chips->hpet.restart(ctx->now());
  return 0;
}
