"""Crops and weather: reference evapotranspiration, crop coefficients, soil, yield response."""
