// SPDX-License-Identifier: BSD-2-Clause
#include "guest.h"

#include <sys/syscall.h>
#include <unistd.h>

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

unsigned long ioctl_count() { return ioctls; }

namespace {

/// A small CPU: leaf 1 with FPU, TSC, MSR, PAE, CX8, APIC, MTRR, PAT, FXSR, SSE, SSE2 and TSC_DEADLINE; long mode.
tsbhyve::EngineOptions options() {
  tsbhyve::EngineOptions result;
  result.tsc_hz = 0;
  result.cpuid = {
      {0, 0, 1, 0x756e6547, 0x6c65746e, 0x49656e69},
      {1, 0, 0x000106a5, 0x00010800, 1u << 24, 0x07019371},
      {0x80000000, 0, 0x80000001, 0, 0, 0},
      {0x80000001, 0, 0, 0, 1, 0x20100800},
  };
  return result;
}

}  // namespace

Guest::Guest(std::initializer_list<int> code) {
  memory.add_segment(0, 0x20000, false);
  memory.add_segment(rom_address, 0x1000, true);
  engine = std::make_unique<tsbhyve::kvm::KvmEngine>(&memory, options());
  put(code_address, code);
  std::vector<std::uint64_t> values = registers();
  for (const Register selector :
       {Register::cs_selector, Register::ds_selector, Register::es_selector, Register::ss_selector}) {
    values[index_of(selector)] = values[index_of(selector) + 1] = 0;  // and its base
  }
  values[index_of(Register::rip)] = code_address;
  values[index_of(Register::rsp)] = 0x8000;
  engine->set_registers(RegisterGroup::All, values);
  engine->hold_time(false);
}

ExitKind Guest::run(std::int64_t deadline) {
  for (int slices = 0; slices < 5000; slices++) {
    const ExitKind kind = engine->run(deadline).kind;
    if (kind == ExitKind::Error) std::printf("error exit: %s\n", engine->error_text().c_str());
    if (kind != ExitKind::None) return kind;
  }
  return ExitKind::None;
}

std::vector<std::uint64_t> Guest::registers() {
  std::vector<std::uint64_t> values(tsbhyve::register_count);
  engine->get_registers(RegisterGroup::All, values);
  return values;
}

std::uint64_t Guest::get(Register index) { return registers()[index_of(index)]; }

void Guest::set(Register index, std::uint64_t value) {
  std::vector<std::uint64_t> values = registers();
  values[index_of(index)] = value;
  engine->set_registers(tsbhyve::register_rows[index_of(index)].group, values);
}

void Guest::put(std::uint64_t address, std::initializer_list<int> bytes) {
  std::uint8_t* to = ram() + address;
  for (const int byte : bytes) *to++ = static_cast<std::uint8_t>(byte);
}

void Guest::vector(unsigned number, std::uint16_t handler) { put(number * 4, {handler & 0xff, handler >> 8, 0, 0}); }

void Guest::enable_lapic() {
  auto rows = engine->get_lapic();
  rows[index_of(tsbhyve::LapicRow::spurious)] = 0x1ff;
  engine->set_lapic(rows);
}

}  // namespace test
