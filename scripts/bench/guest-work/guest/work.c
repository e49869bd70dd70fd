// SPDX-License-Identifier: BSD-2-Clause
/** What the compiler has to do: the headers of Debian's libstb-dev are whole libraries. */
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_SPRINTF_IMPLEMENTATION
#include <stb/stb_image_write.h>
#include <stb/stb_sprintf.h>
