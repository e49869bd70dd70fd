// SPDX-License-Identifier: BSD-2-Clause
// /dev/kvm: descriptors, system calls that fail as EngineError, the virtual machine and its vCPUs.
#pragma once

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "engine/engine.h"

namespace tsbhyve::kvm {

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

/// ioctl that retries when a signal came first, and throws EngineError when it fails.
template <class Argument>
int call(int fd, unsigned long request, const char* name, Argument argument) {
  for (;;) {
    const int result = ioctl(fd, request, argument);
    if (result >= 0) return result;
    if (errno != EINTR) throw EngineError{errno, name, ""};
  }
}
#define TSBHYVE_KVM(fd, request, argument) ::tsbhyve::kvm::call(fd, request, #request, argument)

/// Opens /dev/kvm, and checks its interface version.
Descriptor open_system();

/// A virtual machine whose LAPIC is in the kernel and whose chipset is ours.
class Vm {
 public:
  Vm();
  int fd() const { return vm_.get(); }
  int system() const { return system_.get(); }
  /// What KVM_CHECK_EXTENSION says: 0 is absent.
  int check(long capability) const;
  /// Reading the dirty log leaves pages writable until KVM_CLEAR_DIRTY_LOG.
  bool clears_dirty_log() const { return clears_dirty_log_; }

 private:
  void enable(__u32 capability, __u64 argument);
  bool try_enable(__u32 capability, __u64 argument);

  Descriptor system_, vm_;
  bool clears_dirty_log_ = false;
};

class Vcpu {
 public:
  Vcpu(const Vm& vm, std::uint32_t id);
  ~Vcpu();
  Vcpu(const Vcpu&) = delete;
  Vcpu& operator=(const Vcpu&) = delete;
  int fd() const { return fd_.get(); }
  kvm_run& run() const { return *run_; }

 private:
  Descriptor fd_;
  std::size_t run_bytes_;
  kvm_run* run_;
};

}  // namespace tsbhyve::kvm
