// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_device.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace tsbhyve::kvm {

namespace {

/// Three pages and one that processors without unrestricted real mode need (KVM_SET_TSS_ADDR); below the flash and
/// above the I/O APIC.
constexpr __u64 identity_map_address = 0xfeffc000;
constexpr unsigned long task_state_address = 0xfeffd000;

constexpr __u64 ioapic_pins = 32;

struct Need {
  long capability;
  const char* name;
};
constexpr Need needs[] = {
    {KVM_CAP_SPLIT_IRQCHIP, "KVM_CAP_SPLIT_IRQCHIP"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
    {KVM_CAP_SIGNAL_MSI, "KVM_CAP_SIGNAL_MSI"},
    {KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM"},
    {KVM_CAP_X2APIC_API, "KVM_CAP_X2APIC_API"},
    {KVM_CAP_EXCEPTION_PAYLOAD, "KVM_CAP_EXCEPTION_PAYLOAD"},
    {KVM_CAP_DEBUGREGS, "KVM_CAP_DEBUGREGS"},
    {KVM_CAP_XSAVE, "KVM_CAP_XSAVE"},
    {KVM_CAP_XCRS, "KVM_CAP_XCRS"},
    {KVM_CAP_SREGS2, "KVM_CAP_SREGS2"},
    {KVM_CAP_VCPU_ATTRIBUTES, "KVM_CAP_VCPU_ATTRIBUTES"},
    {KVM_CAP_X86_USER_SPACE_MSR, "KVM_CAP_X86_USER_SPACE_MSR"},
};

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Descriptor open_system() {
  Descriptor system(open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (system.get() < 0) throw EngineError{errno, "open", "/dev/kvm"};
  const int version = TSBHYVE_KVM(system.get(), KVM_GET_API_VERSION, 0);
  if (version != KVM_API_VERSION) {
    throw EngineError{0, "KVM_GET_API_VERSION", "the kernel has version " + std::to_string(version) + ", expected 12"};
  }
  return system;
}

Vm::Vm() : system_(open_system()) {
  for (const Need& need : needs) {
    if (check(need.capability) == 0) {
      throw EngineError{0, "KVM_CHECK_EXTENSION",
                        std::string("this kernel lacks ") + need.name + "; Linux 5.17 and later have it"};
    }
  }
  vm_ = Descriptor(TSBHYVE_KVM(system(), KVM_CREATE_VM, 0));
  enable(KVM_CAP_SPLIT_IRQCHIP, ioapic_pins);
  enable(KVM_CAP_X2APIC_API, KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK);
  enable(KVM_CAP_EXCEPTION_PAYLOAD, 1);
  enable(KVM_CAP_X86_USER_SPACE_MSR, KVM_MSR_EXIT_REASON_UNKNOWN);
  try_enable(KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1);
  clears_dirty_log_ = try_enable(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE);
  __u64 identity = identity_map_address;
  TSBHYVE_KVM(fd(), KVM_SET_IDENTITY_MAP_ADDR, &identity);
  TSBHYVE_KVM(fd(), KVM_SET_TSS_ADDR, task_state_address);
}

int Vm::check(long capability) const { return TSBHYVE_KVM(system(), KVM_CHECK_EXTENSION, capability); }

void Vm::enable(__u32 capability, __u64 argument) {
  kvm_enable_cap request{};
  request.cap = capability;
  request.args[0] = argument;
  TSBHYVE_KVM(fd(), KVM_ENABLE_CAP, &request);
}

bool Vm::try_enable(__u32 capability, __u64 argument) {
  if (check(capability) == 0) return false;
  enable(capability, argument);
  return true;
}

Vcpu::Vcpu(const Vm& vm, std::uint32_t id)
    : fd_(TSBHYVE_KVM(vm.fd(), KVM_CREATE_VCPU, id)),
      run_bytes_(static_cast<std::size_t>(TSBHYVE_KVM(vm.system(), KVM_GET_VCPU_MMAP_SIZE, 0))) {
  void* page = mmap(nullptr, run_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd(), 0);
  if (page == MAP_FAILED) throw EngineError{errno, "mmap", "the vCPU's run page"};
  run_ = static_cast<kvm_run*>(page);
}

Vcpu::~Vcpu() { munmap(run_, run_bytes_); }

}  // namespace tsbhyve::kvm
