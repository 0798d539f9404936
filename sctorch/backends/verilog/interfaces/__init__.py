"""What stands between a core and its user: streams, AXI, UART, SPI."""
