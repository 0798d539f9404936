"""What a design may be called."""

from __future__ import annotations

from sctorch import ir
from sctorch.errors import ConfigError

__all__ = ["KEYWORDS", "check_name"]

# Words of Verilog-2005 that a design may not be called. (A layer may: its names in the design have a suffix.)
_WORDS = """
    always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign default defparam
    design disable edge else end endcase endconfig endfunction endgenerate endmodule endprimitive endspecify endtable
    endtask event for force forever fork function generate genvar highz0 highz1 if ifnone incdir include initial inout
    input instance integer join large liblist library localparam macromodule medium module nand negedge nmos nor
    noshowcancelled not notif0 notif1 or output parameter pmos posedge primitive pull0 pull1 pulldown pullup
    pulsestyle_ondetect pulsestyle_onevent rcmos real realtime reg release repeat rnmos rpmos rtran rtranif0 rtranif1
    scalared showcancelled signed small specify specparam strong0 strong1 supply0 supply1 table task time tran tranif0
    tranif1 tri tri0 tri1 triand trior trireg unsigned use uwire vectored wait wand weak0 weak1 while wire wor xnor
    xor
"""
KEYWORDS = frozenset(_WORDS.split())


def check_name(network: ir.Network) -> None:
    """ConfigError for a network whose name cannot name a module."""
    if network.name in KEYWORDS or network.name.startswith("sct_"):
        raise ConfigError(
            f"verilog backend: {network.name!r} cannot name a design: it is a word of Verilog or of our library; "
            "choose another name"
        )
