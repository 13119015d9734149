# Multi-class hinge in which every class within the margin counts.
loss_decode = [dict(type="seglosses.WestonWatkinsLoss", margin=1.0)]
