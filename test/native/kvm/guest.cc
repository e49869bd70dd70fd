// SPDX-License-Identifier: BSD-2-Clause
#include "guest.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdarg>

namespace {
std::atomic<unsigned long> ioctls = 0;
}

/// In front of the C library's: counts.
extern "C" __attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  ioctls++;
  return static_cast<int>(syscall(SYS_ioctl, fd, request, argument));
}

namespace test {

bool usually_crew = false;

unsigned long ioctl_count() { return ioctls; }

namespace {

/// A small CPU: leaf 1 with FPU, TSC, MSR, PAE, CX8, APIC, MTRR, PAT, FXSR, SSE, SSE2 and TSC_DEADLINE; long mode.
tsbhyve::EngineOptions options(const Setting& setting) {
  tsbhyve::EngineOptions result;
  result.vcpus = setting.vcpus;
  result.tsc_hz = 0;
  result.cpuid = {
      {0, 0, 1, 0x756e6547, 0x6c65746e, 0x49656e69},
      {1, 0, 0x000106a5, 0x00010800, 1u << 24, 0x07019371},
      {0x80000000, 0, 0x80000001, 0, 0, 0},
      {0x80000001, 0, 0, 0, 1, 0x20100800},
  };
  if (setting.avx) {
    result.cpuid[1].ecx |= 1u << 26 | 1u << 28;
    result.cpuid.push_back({0xd, 0, 7, 832, 832, 0});
    result.cpuid.push_back({0xd, 2, 256, 576, 0, 0});
  }
  return result;
}

void copy_vcpu(tsbhyve::VcpuEngine& from, tsbhyve::VcpuEngine& to) {
  std::vector<std::uint64_t> values(tsbhyve::register_count);
  from.get_registers(RegisterGroup::All, values);
  to.set_registers(RegisterGroup::All, values);
  to.set_msrs(from.get_msrs());
  to.set_xsave(from.get_xsave());
  to.set_lapic(from.get_lapic());
  to.set_private(from.get_private());
}

}  // namespace

Guest::Guest(std::initializer_list<int> code, Setting setting) {
  memory.add_segment(0, 0x20000, false);
  memory.add_segment(rom_address, 0x1000, true);
  engine = std::make_unique<tsbhyve::kvm::KvmEngine>(&memory, options(setting), setting.always_crew);
  put(code_address, code);
  std::vector<std::uint64_t> values = registers();
  for (const Register selector :
       {Register::cs_selector, Register::ds_selector, Register::es_selector, Register::ss_selector}) {
    values[index_of(selector)] = values[index_of(selector) + 1] = 0;  // and its base
  }
  values[index_of(Register::rip)] = code_address;
  values[index_of(Register::rsp)] = 0x8000;
  set_registers(values);
  engine->hold_time(false);
}

std::unique_ptr<Guest> moved(Guest& guest, Setting setting) {
  guest.engine->hold_time(true);
  auto next = std::make_unique<Guest>(std::initializer_list<int>{}, setting);
  next->engine->hold_time(true);
  std::copy_n(guest.ram(), guest.memory.segments()[0].length, next->ram());
  next->engine->set_time(guest.engine->time());
  for (unsigned index = 0; index < setting.vcpus; index++) copy_vcpu(guest.vcpu(index), next->vcpu(index));
  next->engine->hold_time(false);
  return next;
}

ExitKind Guest::run(std::int64_t deadline) {
  for (int slices = 0; slices < 5000; slices++) {
    const tsbhyve::Exit exit = engine->run(deadline);
    exited = exit.vcpu;
    if (exit.kind == ExitKind::Error) std::printf("error exit: %s\n", vcpu(exited).error_text().c_str());
    if (exit.kind != ExitKind::None) return exit.kind;
  }
  return ExitKind::None;
}

ExitKind Guest::safepoint() {
  const tsbhyve::Exit exit = engine->safepoint();
  exited = exit.vcpu;
  return exit.kind;
}

std::vector<std::uint64_t> Guest::registers(unsigned index) {
  std::vector<std::uint64_t> values(tsbhyve::register_count);
  vcpu(index).get_registers(RegisterGroup::All, values);
  return values;
}

void Guest::set_registers(const std::vector<std::uint64_t>& values, unsigned index) {
  vcpu(index).set_registers(RegisterGroup::All, values);
}

std::uint64_t Guest::get(Register index, unsigned vcpu) { return registers(vcpu)[index_of(index)]; }

void Guest::set(Register index, std::uint64_t value, unsigned of) {
  std::vector<std::uint64_t> values = registers(of);
  values[index_of(index)] = value;
  vcpu(of).set_registers(tsbhyve::register_rows[index_of(index)].group, values);
}

void Guest::put(std::uint64_t address, std::initializer_list<int> bytes) {
  std::uint8_t* to = ram() + address;
  for (const int byte : bytes) *to++ = static_cast<std::uint8_t>(byte);
}

void Guest::vector(unsigned number, std::uint16_t handler) { put(number * 4, {handler & 0xff, handler >> 8, 0, 0}); }

void Guest::put(std::uint64_t address, std::span<const std::uint8_t> bytes) {
  std::copy(bytes.begin(), bytes.end(), ram() + address);
}

void Guest::enable_lapic(unsigned index) {
  auto rows = vcpu(index).get_lapic();
  rows[index_of(tsbhyve::LapicRow::spurious)] = 0x1ff;
  vcpu(index).set_lapic(rows);
}

void Guest::expect_out(unsigned port, unsigned value) {
  ExitKind kind = run();
  for (int i = 0; kind == ExitKind::Hlt && i < 1000; i++) kind = run();
  CHECK_EQUAL(kind, ExitKind::PortWrite);
  CHECK_EQUAL(slot().address, port);
  CHECK_EQUAL(slot().data, value);
}

}  // namespace test
