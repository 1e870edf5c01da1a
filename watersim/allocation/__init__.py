"""The claims on one step's water, settled by priority."""
