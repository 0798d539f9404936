// Test bench for C simulation and co-simulation: a timestep per row of tb_data/tb_input_features.dat, whose answers must
// be those of tb_data/tb_output_predictions.dat. It returns 0 if all are. With an argument every layer is traced too, into
// tb_data/<layer>_output.log.
//
// Above this text stand the top function's header, SCTORCH_TOP, its ports (SCTORCH_PARALLEL, SCTORCH_STREAM or
// SCTORCH_AXIS), and the columns of both files, SCTORCH_N_IN and SCTORCH_N_OUT (a packet's flag is one of them).
#include "firmware/nnet_utils/nnet_helpers.h"

#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace nnet {
bool trace_enabled = false;
std::map<std::string, void *> *trace_outputs = NULL;
size_t trace_type_size = sizeof(double);
} // namespace nnet

#ifdef RTL_SIM
static const char *const results_log = "tb_data/rtl_cosim_results.log";
#else
static const char *const results_log = "tb_data/csim_results.log";
#endif

// False where the text is not `size` integers.
static bool parse(const std::string &line, size_t size, std::vector<long long> &values) {
    std::istringstream text(line);
    long long value;
    values.clear();
    while (text >> value)
        values.push_back(value);
    return text.eof() && values.size() == size;
}

// The top function is called by its name: co-simulation looks for that.
static void call(const std::vector<long long> &row, std::vector<long long> &answer) {
    answer.resize(SCTORCH_N_OUT);
#if defined(SCTORCH_AXIS)
    hls::stream<sctorch_in_beat> in("in");
    hls::stream<sctorch_out_beat> out("out");
    for (size_t j = 0; j < SCTORCH_ENTRIES; j += SCTORCH_PER_BEAT) {
        sctorch_in_beat beat;
        beat.data = 0;
        for (size_t e = 0; e < SCTORCH_PER_BEAT && j + e < SCTORCH_ENTRIES; e++)
            beat.data.range((e + 1) * SCTORCH_WIDTH - 1, e * SCTORCH_WIDTH) = row[j + e];
        beat.last = j + SCTORCH_PER_BEAT >= SCTORCH_ENTRIES && row[SCTORCH_ENTRIES] != 0;
        in.write(beat);
    }
    SCTORCH_TOP(in, out);
    const sctorch_out_beat beat = out.read();
    const result_t::value_type result = beat.data;
    answer[0] = (long long)(result);
    answer[1] = beat.last != 0;
#elif defined(SCTORCH_STREAM)
    hls::stream<input_t> in("in");
    hls::stream<result_t> out("out");
    input_t packet;
    for (size_t j = 0; j < SCTORCH_N_IN; j++)
        packet[j] = input_t::value_type(row[j]);
    in.write(packet);
    SCTORCH_TOP(in, out);
    const result_t result = out.read();
#else
    static input_t in[SCTORCH_N_IN];
    static result_t result[SCTORCH_N_OUT];
    for (size_t j = 0; j < SCTORCH_N_IN; j++)
        in[j] = input_t(row[j]);
    SCTORCH_TOP(in, result);
#endif
#ifndef SCTORCH_AXIS
    for (size_t i = 0; i < SCTORCH_N_OUT; i++)
        answer[i] = (long long)(result[i]);
#endif
}

int main(int argc, char **) {
    std::ifstream features("tb_data/tb_input_features.dat"), predictions("tb_data/tb_output_predictions.dat");
    std::ofstream log(results_log);
    if (!features || !predictions || !log) {
        std::cout << "ERROR: tb_data with its vectors was not found, or cannot be written" << std::endl;
        return 2;
    }
    nnet::trace_enabled = argc > 1;
    std::vector<long long> row, expected, answer;
    std::string line, expected_line;
    long rows = 0, wrong = 0;
    while (std::getline(features, line)) {
        if (!std::getline(predictions, expected_line) || !parse(line, SCTORCH_N_IN, row) ||
            !parse(expected_line, SCTORCH_N_OUT, expected)) {
            std::cout << "ERROR: the vectors of row " << rows << " do not fit this design" << std::endl;
            return 2;
        }
        call(row, answer);
        for (size_t i = 0; i < SCTORCH_N_OUT; i++)
            log << answer[i] << " ";
        log << std::endl;
        if (answer != expected && wrong++ == 0)
            std::cout << "ERROR: row " << rows << " gives " << answer[0] << " instead of " << expected[0] << std::endl;
        rows++;
    }
    std::cout << rows << " timesteps, " << wrong << " of them wrong" << std::endl;
    return rows == 0 ? 2 : wrong == 0 ? 0 : 1;
}
