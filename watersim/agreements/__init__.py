"""The clauses of agreements between parties, one file each; `watersim.registry` finds them."""
