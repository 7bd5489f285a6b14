// The LUT of dot products: one write port, a read port per accumulator, alternating banks.
module lut #(
    parameter  int ENTRIES = 32,
    parameter  int BANKS   = 2,
    parameter  int PORTS   = 4,
    parameter  int BITS    = 5,
    localparam int BW      = BANKS > 1 ? $clog2(BANKS) : 1,
    localparam int EW      = ENTRIES > 1 ? $clog2(ENTRIES) : 1,
    localparam int AW      = BANKS * ENTRIES > 1 ? $clog2(BANKS * ENTRIES) : 1
) (
    input  logic                  clk,
    input  logic                  write,
    input  logic [        BW-1:0] write_bank,
    input  logic [        EW-1:0] write_entry,
    input  logic [      BITS-1:0] write_data,
    input  logic [        BW-1:0] read_bank,
    input  logic [  PORTS*EW-1:0] read_entries,
    output logic [PORTS*BITS-1:0] read_data
);
  logic [BITS-1:0] entries[0:BANKS*ENTRIES-1];

  always_ff @(posedge clk) begin
    if (write) entries[AW'(write_bank)*AW'(ENTRIES)+AW'(write_entry)] <= write_data;
  end

  for (genvar p = 0; p < PORTS; p++) begin : g_port
    assign read_data[p*BITS+:BITS] =
        entries[AW'(read_bank)*AW'(ENTRIES)+AW'(read_entries[p*EW+:EW])];
  end
endmodule
