# SPDX-License-Identifier: BSD-2-Clause
"""Captures of what real programs do not send, made byte by byte and the same on every run."""
