#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# This kernel's verifier takes all programs, with and without all that can be counted.

exec verifier
