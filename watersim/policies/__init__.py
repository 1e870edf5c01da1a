"""The operating policies of reservoirs, one file each; `watersim.registry` finds them."""
