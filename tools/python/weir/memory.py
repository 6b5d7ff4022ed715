# SPDX-License-Identifier: BSD-2-Clause
"""The memory of this process as arrays: a number behind a pointer costs one index.

Hooks are called for every packet; a ctypes object a pointer would cost as much as the rest of a call.
Only addresses that the library has just handed over are read.
"""
import ctypes

BYTES = memoryview((ctypes.c_char * (1 << 56)).from_address(0)).cast("B")
UINT64 = BYTES.cast("Q")  # index: address >> 3
INT32 = BYTES.cast("i")   # index: address >> 2
