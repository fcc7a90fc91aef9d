"""Where applications come from. A module here turns somebody's declaration into `emulator.application`."""
