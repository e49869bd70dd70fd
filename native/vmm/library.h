// SPDX-License-Identifier: BSD-2-Clause
// libvmmapi, loaded when a machine wants it: programs that never do need not have it.
#pragma once

#include <cstdint>
#include <string>

#include "engine/engine.h"
#include "vmm/headers.h"

namespace tsbhyve::vmm {

/// Its functions by name. Loaded once for a path and never unloaded.
class Library {
 public:
  /// `path` empty: the system's, which only FreeBSD has. Throws EngineError.
  static const Library& load(const std::string& path);

#define REQUIRED(name) decltype(&::name) name = nullptr;
#define OPTIONAL(name) REQUIRED(name)
#include "vmm/calls.def"
#undef REQUIRED
#undef OPTIONAL

  /// Makes a VM. What differs between the versions of libvmmapi is behind this.
  vmctx* create(const char* name) const;
  /// Opens one that there is, or answers null.
  vmctx* open(const char* name) const;

  /// Of the host's TSC, which the guest sees; 0 if unknown.
  std::uint64_t tsc_hz() const;
  std::uint32_t max_vcpus() const;
  /// The kernel's version (kern.osreldate); its saved state is only for the same.
  std::uint32_t kernel_release() const;

  /// Where another one writes to the guest's memory, for an imitation whose processor does not see that by itself.
  void memory_written(vmctx* ctx, std::uint64_t physical, std::uint64_t length) const;

 private:
  explicit Library(const std::string& path);
  std::uint64_t system_value(const char* name) const;

  void* create_ = nullptr;
  void* open_ = nullptr;
  int (*system_value_)(const char*, void*, std::size_t*, const void*, std::size_t) = nullptr;
  void (*memory_written_)(vmctx*, std::uint64_t, std::uint64_t) = nullptr;
};

/// The value of a call that answers 0, or -1 with errno, or the error itself. Throws EngineError unless it is 0.
void check(int result, const char* call);
#define TSBHYVE_VMM(library, name, ...) ::tsbhyve::vmm::check((library).name(__VA_ARGS__), #name)

}  // namespace tsbhyve::vmm
