// Control of the accumulators. An accumulate starts when a bank is filled, the step's indices have
// arrived, and the sums that it overwrites are draining.
//
// A pass takes no cycle if no PE has an index in it. The control skips the pass, and every command
// that waits for it continues in the same cycle. Up to LUT_BANKS passes are skipped at once.
module accumulate_control
  import machine::*;
#(
    parameter  int LUT_BANKS     = 2,
    parameter  int ACCUMULATORS  = 4,
    parameter  int REGISTER_SETS = 2,
    parameter  int PASSES        = 1,
    localparam int BW            = LUT_BANKS > 1 ? $clog2(LUT_BANKS) : 1,
    localparam int FW            = $clog2(LUT_BANKS + 1),
    localparam int SW            = REGISTER_SETS > 1 ? $clog2(REGISTER_SETS) : 1,
    localparam int CW            = $clog2(REGISTER_SETS + 1)
) (
    input  logic                    clk,
    input  logic                    start,
    input  layer_t                  layer,
    input  logic   [        FW-1:0] filled,       // banks to be read
    input  logic   [        CW-1:0] sets,         // sets of index registers that hold indices
    input  logic   [        SW-1:0] reads_set,    // the oldest of these sets
    input  logic   [REGISTER_SETS*PASSES-1:0] used,  // per set: passes with an index of the set
    input  logic                    sums_free,
    input  logic                    more,         // some PE has outputs left (PASSES > 1)
    output logic                    begins,
    output logic                    active,
    output logic                    ends,
    output logic   [        FW-1:0] skips,        // passes skipped in this cycle
    output logic                    skips_set,    // ... if one used its set for the last time
    output logic                    skips_tile,   // ... or completed an output tile
    output logic   [        SW-1:0] set,
    output place_t                  at,           // position of the current or starting command
    output logic                    last_of_set,
    output logic                    last_of_tile,
    output logic   [        BW-1:0] bank,
    output word_t                   row
);
  nest_t nest;
  logic busy;
  place_t place;
  logic [BW-1:0] older;

  assign nest = nest_of(layer);

  function automatic logic [BW-1:0] bank_after(logic [BW-1:0] b);
    bank_after = b == BW'(LUT_BANKS - 1) ? '0 : b + 1;
  endfunction

  function automatic logic [SW-1:0] set_after(logic [SW-1:0] s);
    set_after = s == SW'(REGISTER_SETS - 1) ? '0 : s + 1;
  endfunction

  always_comb begin
    logic stop, ready;
    at          = place;
    bank        = older;
    set         = reads_set;
    skips       = '0;
    skips_set   = 1'b0;
    skips_tile = 1'b0;
    begins      = 1'b0;
    ready       = 1'b0;
    stop        = busy || start;
    for (int i = 0; i < LUT_BANKS; i++) begin
      if (!stop) begin
        ready = at.row != layer.rows && filled > FW'(i) && sets > CW'(skips_set) &&
            (at.group != 0 || at.pass != 0 || (sums_free && !skips_tile));
        if (ready && PASSES > 1 && !used[32'(set)*PASSES+at.pass]) begin
          skips = skips + 1;
          if (at.pass + 1 == nest.passes) begin
            skips_set   = skips_set || last_use(nest, at);
            skips_tile = skips_tile || at.group + 1 == nest.groups;
            set         = skips_set ? set_after(reads_set) : reads_set;
          end
          at   = next_place(nest, at);
          bank = bank_after(bank);
        end else begin
          stop   = 1'b1;
          begins = ready;
        end
      end
    end
  end

  assign active        = busy || begins;
  assign ends          = active && (PASSES > 1 ? !more :
                         last_row(row, block_outputs(layer, at), ACCUMULATORS));
  assign last_of_set   = (at.pass + 1 == nest.passes) && last_use(nest, at);
  assign last_of_tile = (at.pass + 1 == nest.passes) && at.group + 1 == nest.groups;

  always_ff @(posedge clk) begin
    if (start) begin
      place <= '0;
      older <= '0;
      busy  <= 1'b0;
      row   <= '0;
    end else begin
      place <= ends ? next_place(nest, at) : at;
      older <= ends ? bank_after(bank) : bank;
      busy  <= active && !ends;
      row   <= active && !ends ? row + 1 : '0;
    end
  end
endmodule
