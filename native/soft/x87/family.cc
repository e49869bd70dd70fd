// SPDX-License-Identifier: BSD-2-Clause
#include "soft/families.h"
#include "soft/x87/groups.h"

namespace tsbhyve::soft {

void add_x87(HandlerTable& table) {
  x87::add_arithmetic(table);
  x87::add_compare(table);
  x87::add_load(table);
  x87::add_store(table);
  x87::add_register(table);
  x87::add_function(table);
  x87::add_control(table);
  x87::add_environment(table);
  x87::add_extended_state(table);
}

}  // namespace tsbhyve::soft
