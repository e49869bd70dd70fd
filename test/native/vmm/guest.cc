// SPDX-License-Identifier: BSD-2-Clause
#include "guest.h"

namespace test {

Guest::Guest(const std::vector<int>& code, unsigned vcpus) {
  memory.add_segment(0, ram_bytes, false);
  tsbhyve::EngineOptions options;
  options.library = library_path;
  options.vcpus = vcpus;
  engine = std::make_unique<tsbhyve::vmm::VmmEngine>(&memory, options);
  put(code_address, code);
  std::vector<std::uint64_t> values = registers();
  for (const Register selector :
       {Register::cs_selector, Register::ds_selector, Register::es_selector, Register::ss_selector}) {
    values[index_of(selector)] = values[index_of(selector) + 1] = 0;  // and its base
  }
  values[index_of(Register::fs_base)] = 0xfee00000;  // where no selector of real mode reaches
  values[index_of(Register::rip)] = code_address;
  values[index_of(Register::rsp)] = 0x8000;
  values[index_of(Register::rflags)] = 2;
  engine->vcpu(0).set_registers(RegisterGroup::All, values);
  engine->hold_time(false);
}

tsbhyve::Exit Guest::run_all(std::int64_t deadline) {
  for (int slices = 0; slices < 1000; slices++) {
    if (const tsbhyve::Exit exit = engine->run(deadline); exit.kind != ExitKind::None) return exit;
  }
  require(false, "the guest has run for 1000 slices without an exit");
  return {};
}

ExitKind Guest::run(std::int64_t deadline) { return run_all(deadline).kind; }

std::vector<std::uint64_t> Guest::registers() {
  std::vector<std::uint64_t> values(tsbhyve::register_count);
  engine->vcpu(0).get_registers(RegisterGroup::All, values);
  return values;
}

std::uint64_t Guest::get(Register index) { return registers()[index_of(index)]; }

void Guest::set(Register index, std::uint64_t value) {
  std::vector<std::uint64_t> values = registers();
  values[index_of(index)] = value;
  engine->vcpu(0).set_registers(RegisterGroup::All, values);
}

void Guest::put(std::uint64_t address, const std::vector<int>& bytes) {
  std::uint8_t* to = ram() + address;
  for (const int byte : bytes) *to++ = static_cast<std::uint8_t>(byte);
  engine->memory_written(address, bytes.size());
}

void Guest::vector(unsigned number, std::uint16_t handler) { put(number * 4, {handler & 0xff, handler >> 8, 0, 0}); }

void Guest::expect(ExitKind kind, std::uint64_t address, unsigned width) {
  CHECK_EQUAL(run(), kind);
  CHECK_EQUAL(engine->vcpu(0).slot.kind, kind);
  CHECK_EQUAL(engine->vcpu(0).slot.address, address);
  CHECK_EQUAL(engine->vcpu(0).slot.width, width);
}

}  // namespace test
