// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/vm.h"

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <future>
#include <memory>
#include <thread>

#include "hostio/quiet_thread.h"
#include "vmm/kick.h"
#include "vmm/run.h"

namespace tsbhyve::vmm {

namespace {

constexpr const char* name_prefix = "tsbhyve-";
constexpr const char* device_folder = "/dev/vmm";
constexpr std::uint64_t high_memory = std::uint64_t{4} << 30;

/// Of this process and no other VM of it.
std::string new_name() {
  static std::atomic<unsigned> count = 0;
  return name_prefix + std::to_string(getpid()) + "-" + std::to_string(++count);
}

/// The kernel gives a VM memory from address 0, and from 4 GiB on what does not fit below 3 GiB.
std::uint64_t memory_bytes(const GuestRam& ram) {
  std::uint64_t bytes = 0;
  for (const GuestRam::Segment& segment : ram.segments()) {
    if (segment.read_only) throw EngineError{0, "vmm", "read-only memory is not supported by this engine"};
    if (segment.base != 0 && segment.base != high_memory)
      throw EngineError{0, "vmm", "memory lies at 0 and at 4 GiB, and nowhere else"};
    bytes += segment.length;
  }
  return bytes;
}

void start_vcpu(const Library& library, vcpu* processor) {
  TSBHYVE_VMM(library, vm_set_capability, processor, VM_CAP_UNRESTRICTED_GUEST, 1);
  // Without it a guest that halts keeps a processor of the host's to itself.
  TSBHYVE_VMM(library, vm_set_capability, processor, VM_CAP_HALT_EXIT, 1);
  // INIT and SIPI are exits, for as many as they are sent to.
  TSBHYVE_VMM(library, vm_set_capability, processor, VM_CAP_IPI_EXIT, 1);
  TSBHYVE_VMM(library, vcpu_reset, processor);
  TSBHYVE_VMM(library, vm_activate_cpu, processor);
}

/// Until the kernel says that it has come to its end, as all others have.
void run_to_end(const Library& library, vcpu* processor) {
  struct vm_exit exit {};
  do {
    run_vcpu(library, processor, exit);
  } while (exit.exitcode != VM_EXITCODE_SUSPENDED);
}

}  // namespace

Vm::Vm(const Library& library, GuestRam* ram, const Topology& topology) : library_(library), name_(new_name()) {
  const std::uint64_t bytes = memory_bytes(*ram);
  made_after_ = host_now();
  ctx_ = library_.create(name_.c_str());
  made_before_ = host_now();
  try {
    TSBHYVE_VMM(library_, vm_set_topology, ctx_, topology.sockets, topology.cores, topology.threads, 0);
    TSBHYVE_VMM(library_, vm_setup_memory, ctx_, bytes, VM_MMAP_ALL);
    take_memory(ram);
    open_vcpus(topology.vcpus());
  } catch (...) {
    close();
    throw;
  }
}

Vm::~Vm() { close(); }

void Vm::close() {
  for (vcpu* processor : vcpus_) library_.vm_vcpu_close(processor);
  library_.vm_destroy(ctx_);
}

/// An offset into the VM's device is a guest physical address.
void Vm::take_memory(GuestRam* ram) {
  const int device = library_.vm_get_device_fd(ctx_);
  for (std::size_t i = 0; i < ram->segments().size(); i++) ram->share(i, device, ram->segments()[i].base);
}

/// All of them before anything runs: the kernel saves those that there are, in the order of their numbers.
void Vm::open_vcpus(std::uint32_t count) {
  for (std::uint32_t index = 0; index < count; index++) {
    vcpu* const processor = library_.vm_vcpu_open(ctx_, static_cast<int>(index));
    if (!processor) throw EngineError{errno, "vm_vcpu_open", "vCPU " + std::to_string(index)};
    vcpus_.push_back(processor);
    start_vcpu(library_, processor);
  }
}

/// The kernel begins anew only with a VM whose vCPUs have all come to an end, and each waits there for the others.
void Vm::reset() {
  if (library_.vm_suspend(ctx_, VM_SUSPEND_RESET) != 0 && errno != EALREADY) check(-1, "vm_suspend");
  std::vector<std::thread> threads;
  std::vector<std::future<void>> ends;
  for (vcpu* processor : vcpus_) {
    const auto work =
        std::make_shared<std::packaged_task<void()>>([this, processor] { run_to_end(library_, processor); });
    ends.push_back(work->get_future());
    threads.push_back(start_quiet_thread([work] { (*work)(); }));
  }
  for (std::thread& thread : threads) thread.join();
  for (std::future<void>& end : ends) end.get();
  made_after_ = host_now();
  TSBHYVE_VMM(library_, vm_reinit, ctx_);
  made_before_ = host_now();
  for (vcpu* processor : vcpus_) start_vcpu(library_, processor);
}

void remove_orphans(const Library& library) {
  DIR* const folder = opendir(device_folder);
  if (!folder) return;
  while (const dirent* entry = readdir(folder)) {
    if (std::strncmp(entry->d_name, name_prefix, std::strlen(name_prefix)) != 0) continue;
    const long process = std::strtol(entry->d_name + std::strlen(name_prefix), nullptr, 10);
    if (process <= 0 || kill(static_cast<pid_t>(process), 0) == 0 || errno != ESRCH) continue;
    if (vmctx* const ctx = library.open(entry->d_name)) library.vm_destroy(ctx);
  }
  closedir(folder);
}

}  // namespace tsbhyve::vmm
