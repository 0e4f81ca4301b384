"""Single-trace signal processing: filters, characteristic function, picker, Rayleigh-wave envelope."""
