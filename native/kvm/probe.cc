// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/probe.h"

#include <time.h>

#include <algorithm>
#include <cstring>

#include "kvm/kvm_clock.h"
#include "kvm/kvm_device.h"

namespace tsbhyve {

namespace {

constexpr std::uint32_t loops = 100'000;
constexpr double instructions = 2.0 * loops;
/// Natively it is above 500 million; emulators of ring 0 reach 2 to 5 million.
constexpr double slowest_native = 20e6;
/// A busy host may take the processor away in the middle of one.
constexpr int attempts = 3;

/// mov ecx, loops; dec ecx; jnz; out 0x80, al
constexpr std::uint8_t code[] = {0xb9, loops & 0xff, loops >> 8 & 0xff, loops >> 16 & 0xff, 0, 0x49, 0x75, 0xfd,
                                 0xe6, 0x80};
constexpr std::uint64_t code_address = 0x1000;

/// 32-bit ring 0 without paging: real mode would be emulated on some processors that run everything else.
void enter_protected_mode(const kvm::Vcpu& vcpu) {
  kvm_sregs sregs{};
  TSBHYVE_KVM(vcpu.fd(), KVM_GET_SREGS, &sregs);
  kvm_segment flat{};
  flat.limit = 0xffffffff;
  flat.present = flat.db = flat.s = flat.g = 1;
  flat.type = 3;
  flat.selector = 16;
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = flat;
  flat.type = 11;
  flat.selector = 8;
  sregs.cs = flat;
  sregs.cr0 |= 1;
  TSBHYVE_KVM(vcpu.fd(), KVM_SET_SREGS, &sregs);
  kvm_regs regs{};
  regs.rip = code_address;
  regs.rflags = 2;
  TSBHYVE_KVM(vcpu.fd(), KVM_SET_REGS, &regs);
}

double now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double measure_once() {
  GuestRam ram;
  const kvm::Vm vm;
  const kvm::Vcpu vcpu(vm, 0);
  const GuestRam::Segment& segment = ram.add_segment(0, 0x2000, false);
  std::memcpy(segment.host + code_address, code, sizeof code);
  kvm_userspace_memory_region region{};
  region.memory_size = segment.length;
  region.userspace_addr = reinterpret_cast<std::uintptr_t>(segment.host);
  TSBHYVE_KVM(vm.fd(), KVM_SET_USER_MEMORY_REGION, &region);
  enter_protected_mode(vcpu);
  const double start = now();
  TSBHYVE_KVM(vcpu.fd(), KVM_RUN, 0);
  const double seconds = now() - start;
  if (vcpu.run().exit_reason != KVM_EXIT_IO) {
    throw EngineError{0, "KVM_RUN", "a ten-byte loop ended with exit reason " + std::to_string(vcpu.run().exit_reason)};
  }
  return instructions / seconds;
}

double measure() {
  double fastest = 0;
  for (int attempt = 0; attempt < attempts && fastest < slowest_native; ++attempt) {
    fastest = std::max(fastest, measure_once());
  }
  return fastest;
}

}  // namespace

KvmProbe kvm_probe(double known) {
  KvmProbe probe{false, "", 0, 0, false};
  try {
    const kvm::Vm vm;
    const kvm::Vcpu vcpu(vm, 0);
    probe.tsc_hz = kvm::host_tsc_hz(vcpu);
    probe.tsc_scalable = vm.check(KVM_CAP_TSC_CONTROL) != 0;
    probe.instructions_per_second = known > 0 ? known : measure();
    probe.available = probe.instructions_per_second >= slowest_native;
    if (!probe.available) {
      probe.reason = "/dev/kvm emulates ring 0: " + std::to_string(static_cast<long>(probe.instructions_per_second)) +
                     " instructions a second";
    }
  } catch (const EngineError& error) {
    probe.reason = std::string(error.call) + ": " + (error.number ? std::strerror(error.number) : "") +
                   (error.number && !error.message.empty() ? " (" + error.message + ")" : error.message);
  }
  return probe;
}

}  // namespace tsbhyve
