module.exports = { goodputPlot: () => '', latencyPlot: () => '', stagesPlot: () => '' };
